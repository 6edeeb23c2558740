// Package base has the schema types of the replaced library.
package base

import (
	"github.com/pb33f/libopenapi/orderedmap"
	"go.yaml.in/yaml/v4"
)

// Schema has the fields that `pulumi api` reads.
type Schema struct {
	AdditionalProperties *DynamicValue[*SchemaProxy, bool]
	AllOf                []*SchemaProxy
	AnyOf                []*SchemaProxy
	Default              *yaml.Node
	Description          string
	Discriminator        *Discriminator
	Enum                 []*yaml.Node
	Extensions           *orderedmap.Map[string, *yaml.Node]
	Format               string
	Items                *DynamicValue[*SchemaProxy, bool]
	MaxLength            *int64
	Maximum              *float64
	MinLength            *int64
	Minimum              *float64
	MultipleOf           *float64
	Nullable             *bool
	OneOf                []*SchemaProxy
	Pattern              string
	Properties           *orderedmap.Map[string, *SchemaProxy]
	ReadOnly             *bool
	Required             []string
	Type                 []string
}

// GoLow returns nil.
func (*Schema) GoLow() *LowSchema {
	return nil
}

// MarshalJSONInline returns null.
func (*Schema) MarshalJSONInline() ([]byte, error) {
	return []byte("null"), nil
}

// LowSchema is the source of a schema. None exists.
type LowSchema struct{}

// Hash returns 0.
func (*LowSchema) Hash() uint64 {
	return 0
}

// SchemaProxy refers to a schema.
type SchemaProxy struct{}

// Schema returns nil.
func (*SchemaProxy) Schema() *Schema {
	return nil
}

// DynamicValue is one of two values.
type DynamicValue[A, B any] struct {
	A A
}

// IsA returns true.
func (*DynamicValue[A, B]) IsA() bool {
	return true
}

// Discriminator has the fields that `pulumi api` reads.
type Discriminator struct {
	Mapping      *orderedmap.Map[string, string]
	PropertyName string
}
