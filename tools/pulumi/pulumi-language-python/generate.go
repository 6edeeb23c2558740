package main

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/pulumi/pulumi/pkg/v3/codegen/hcl2/syntax"
	"github.com/pulumi/pulumi/pkg/v3/codegen/pcl"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/pkg/v3/resource/plugin"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// GenerateProgram writes Python for a program in HCL, as `pulumi import` asks for. Errors in the HCL fail the call.
func (h *host) GenerateProgram(
	_ context.Context, req *pulumirpc.GenerateProgramRequest,
) (*pulumirpc.GenerateProgramResponse, error) {
	parser, err := parse(req.GetSource())
	if err != nil {
		return nil, err
	}
	if parser.Diagnostics.HasErrors() {
		return nil, parser.Diagnostics
	}
	program, diagnostics, err := bind(parser.Files, req)
	if err != nil {
		return nil, err
	}
	if diagnostics.HasErrors() {
		return generated(nil, diagnostics), nil
	}
	files, more, err := python.GenerateProgram(program)
	return generated(files, append(diagnostics, more...)), err
}

func generated(files map[string][]byte, diagnostics hcl.Diagnostics) *pulumirpc.GenerateProgramResponse {
	return &pulumirpc.GenerateProgramResponse{
		Source:      files,
		Diagnostics: plugin.HclDiagnosticsToRPCDiagnostics(diagnostics),
	}
}

func parse(source map[string]string) (*syntax.Parser, error) {
	parser := syntax.NewParser()
	for name, text := range source {
		if err := parser.ParseFile(strings.NewReader(text), name); err != nil {
			return nil, err
		}
	}
	return parser, nil
}

func bind(files []*syntax.File, req *pulumirpc.GenerateProgramRequest) (*pcl.Program, hcl.Diagnostics, error) {
	if req.GetLoaderTarget() == "" {
		return nil, nil, errors.New("the request names no server to load schemas from")
	}
	loader, err := schema.NewLoaderClient(req.GetLoaderTarget())
	if err != nil {
		return nil, nil, err
	}
	defer loader.Close()
	options := []pcl.BindOption{pcl.PreferOutputVersionedInvokes}
	if !req.GetStrict() {
		options = append(options, pcl.NonStrictBindOptions()...)
	}
	return pcl.BindProgram(files, schema.NewCachedLoader(loader), options...)
}
