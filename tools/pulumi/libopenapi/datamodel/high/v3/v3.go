// Package v3 has the document types of the replaced library.
package v3

import (
	"github.com/pb33f/libopenapi/datamodel/high/base"
	"github.com/pb33f/libopenapi/orderedmap"
	"go.yaml.in/yaml/v4"
)

// The types have the fields that `pulumi api` reads.
type (
	Document struct {
		Components *Components
		Info       *Info
		Paths      *Paths
	}
	Components struct {
		Schemas *orderedmap.Map[string, *base.SchemaProxy]
	}
	Info struct {
		Version string
	}
	Paths struct {
		PathItems *orderedmap.Map[string, *PathItem]
	}
	PathItem struct {
		Get, Post, Put, Delete, Patch, Head *Operation
	}
	Operation struct {
		Deprecated                        *bool
		Description, OperationId, Summary string
		Extensions                        *orderedmap.Map[string, *yaml.Node]
		Parameters                        []*Parameter
		RequestBody                       *RequestBody
		Responses                         *Responses
		Tags                              []string
	}
	Parameter struct {
		Description, In, Name string
		Required              *bool
		Schema                *base.SchemaProxy
	}
	RequestBody struct {
		Content *orderedmap.Map[string, *MediaType]
	}
	MediaType struct {
		Schema *base.SchemaProxy
	}
	Responses struct {
		Codes   *orderedmap.Map[string, *Response]
		Default *Response
	}
	Response struct {
		Content     *orderedmap.Map[string, *MediaType]
		Description string
	}
)
