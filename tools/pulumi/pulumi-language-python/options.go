package main

import (
	"context"
	"errors"
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
	return resolve(options)
}

func resolve(options toolchain.PythonOptions) (toolchain.Toolchain, error) {
	return toolchain.ResolveToolchain(options)
}

// validToolchain is resolveToolchain for a call that runs a program: the virtual environment has to exist.
func validToolchain(ctx context.Context, info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	python, err := resolveToolchain(info)
	if err != nil {
		return nil, err
	}
	return python, python.ValidateVenv(ctx)
}

// pluginOptions gives a plugin that is no policy pack an environment of its own: it never runs in the Python on PATH.
func pluginOptions(options toolchain.PythonOptions) toolchain.PythonOptions {
	ambient := options.Toolchain == toolchain.Pip || options.Toolchain == toolchain.Auto
	if ambient && options.Virtualenv == "" {
		options.Virtualenv = "venv"
	}
	return options
}

func pythonOptions(info *pulumirpc.ProgramInfo) (toolchain.PythonOptions, error) {
	options := toolchain.PythonOptions{Root: info.GetRootDirectory(), ProgramDir: info.GetProgramDirectory()}
	given := info.GetOptions().AsMap()
	virtualenv, err := textOption(given, "virtualenv")
	if err != nil {
		return options, err
	}
	options.Virtualenv = virtualenv
	return options, errors.Join(setTypechecker(&options, given), setToolchain(&options, given))
}

// textOption returns "" for an option that is not given, and the original's error for one that is no string.
func textOption(given map[string]any, name string) (string, error) {
	value, ok := given[name]
	if !ok {
		return "", nil
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%s option must be a string", name)
	}
	return text, nil
}

func setTypechecker(options *toolchain.PythonOptions, given map[string]any) error {
	name, err := textOption(given, "typechecker")
	if err != nil {
		return err
	}
	if _, ok := given["typechecker"]; !ok {
		return nil
	}
	switch name {
	case "mypy":
		options.Typechecker = toolchain.TypeCheckerMypy
	case "pyright":
		options.Typechecker = toolchain.TypeCheckerPyright
	default:
		return fmt.Errorf("unsupported typechecker option: %s", name)
	}
	return nil
}

func setToolchain(options *toolchain.PythonOptions, given map[string]any) error {
	name, err := textOption(given, "toolchain")
	if err != nil {
		return err
	}
	if _, ok := given["toolchain"]; !ok {
		return nil
	}
	switch name {
	case "pip":
		options.Toolchain = toolchain.Pip
	case "poetry":
		options.Toolchain = toolchain.Poetry
	case "uv":
		options.Toolchain = toolchain.Uv
	default:
		return fmt.Errorf("unsupported toolchain option: %s", name)
	}
	return nil
}
