package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// typecheck runs the type checker that the project asks for over the whole program directory. Its output goes to the
// engine as the program's does. A policy pack is not checked when it runs, but lies in the program's directory.
func typecheck(ctx context.Context, info *pulumirpc.ProgramInfo) error {
	options, err := pythonOptions(info)
	if err != nil || options.Typechecker == toolchain.TypeCheckerNone {
		return err
	}
	python, err := resolve(options)
	if err != nil {
		return err
	}
	name := strings.ToLower(toolchain.TypeCheckerName(options.Typechecker))
	if err := requireChecker(ctx, python, options, name); err != nil {
		return err
	}
	cmd, err := checkerCommand(ctx, python, name, info.GetProgramDirectory())
	if err != nil {
		return err
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(os.Stdout, &output), io.MultiWriter(os.Stderr, &output)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s failed: %w\n%s", name, err, output.String())
	}
	return nil
}

// checkerCommand leaves the virtual environment out where the checker would look into it.
func checkerCommand(
	ctx context.Context, python toolchain.Toolchain, name, directory string,
) (*exec.Cmd, error) {
	arguments := []string{"-m", name}
	if name == "mypy" {
		virtualenv, err := python.VirtualEnvPath(ctx)
		if err != nil {
			return nil, err
		}
		excluded, err := filepath.Rel(directory, virtualenv)
		if err != nil {
			return nil, err
		}
		arguments = append(arguments, "--exclude", excluded)
	}
	cmd, err := python.Command(ctx, append(arguments, directory)...)
	if err != nil {
		return nil, err
	}
	cmd.Dir = directory
	return cmd, nil
}

func requireChecker(
	ctx context.Context, python toolchain.Toolchain, options toolchain.PythonOptions, name string,
) error {
	installed, err := packages(ctx, python)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(installed, func(found distribution) bool { return found.Name == name }) {
		return nil
	}
	remedy := fmt.Sprintf("Please add an entry for %s to requirements.txt and run `%s/bin/pip install -r requirements.txt`",
		name, options.Virtualenv)
	if options.Toolchain == toolchain.Poetry {
		remedy = fmt.Sprintf("Please install it using `poetry add %s`.", name)
	}
	return fmt.Errorf("The typechecker option is set to %s, but %s is not installed. %s", name, name, remedy)
}
