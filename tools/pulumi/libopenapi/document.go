// Package libopenapi replaces the library of the same name, which takes a quarter of the time to build the engine. Only
// `pulumi api`, which queries Pulumi Cloud, uses it. This package has the library's types, so that the CLI
// compiles, and reports that the command is not included.
package libopenapi

import (
	"errors"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// ErrNotIncluded is the error of each document.
var ErrNotIncluded = errors.New("this build of pulumi does not include `pulumi api`; install the official Pulumi")

// Document is a parsed document. None exists.
type Document struct{}

// DocumentModel is the model of a document.
type DocumentModel[T any] struct {
	Model T
}

// NewDocument returns ErrNotIncluded.
func NewDocument([]byte) (*Document, error) {
	return nil, ErrNotIncluded
}

// BuildV3Model returns ErrNotIncluded.
func (*Document) BuildV3Model() (*DocumentModel[v3.Document], error) {
	return nil, ErrNotIncluded
}
