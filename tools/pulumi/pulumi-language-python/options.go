package main

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// resolveToolchain finds the Python that info's own runtime options ask for: a program and a policy pack each bring
// theirs. Without a virtualenv it is the Python on PATH.
func resolveToolchain(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	options, err := pythonOptions(info)
	if err != nil {
		return nil, err
	}
	return toolchain.ResolveToolchain(options)
}

// validToolchain is resolveToolchain for those who run something: the virtual environment has to be there.
func validToolchain(ctx context.Context, info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	python, err := resolveToolchain(info)
	if err != nil {
		return nil, err
	}
	return python, python.ValidateVenv(ctx)
}

func pythonOptions(info *pulumirpc.ProgramInfo) (toolchain.PythonOptions, error) {
	options := toolchain.PythonOptions{Root: info.GetRootDirectory(), ProgramDir: info.GetProgramDirectory()}
	given := info.GetOptions().AsMap()
	var name string
	if err := textOption(given, "virtualenv", &options.Virtualenv); err != nil {
		return options, err
	}
	if err := textOption(given, "toolchain", &name); err != nil {
		return options, err
	}
	if given["typechecker"] != nil {
		return options, fmt.Errorf("the runtime option typechecker is not supported here: take it out of the project " +
			"file and run the type checker yourself, or install the official Pulumi")
	}
	return options, setToolchain(&options, name)
}

func textOption(given map[string]any, name string, into *string) error {
	value, ok := given[name]
	if !ok {
		return nil
	}
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("the runtime option %s must be a string, not %v", name, value)
	}
	*into = text
	return nil
}

func setToolchain(options *toolchain.PythonOptions, name string) error {
	switch name {
	case "":
		options.Toolchain = toolchain.Auto
	case "pip":
		options.Toolchain = toolchain.Pip
	case "poetry":
		options.Toolchain = toolchain.Poetry
	case "uv":
		options.Toolchain = toolchain.Uv
	default:
		return fmt.Errorf("the runtime option toolchain must be pip, poetry or uv, not %q", name)
	}
	return nil
}
