package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// errorWasShown is the exit code by which pulumi-language-python-exec says that the user has seen the error.
const errorWasShown = 32

// Run runs a program to its end. Its output goes where the host's goes: to the engine.
func (h *host) Run(call context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	if req.GetAttachDebugger() {
		return &pulumirpc.RunResponse{Error: "attaching a debugger needs the official Pulumi"}, nil
	}
	ctx, done := h.operation(call)
	defer done()
	cmd, err := h.programCommand(ctx, req)
	if err != nil {
		return nil, err
	}
	return runResponse(ctx, cmd.Run()), nil
}

func (h *host) programCommand(ctx context.Context, req *pulumirpc.RunRequest) (*exec.Cmd, error) {
	python, err := validToolchain(ctx, req.GetInfo())
	if err != nil {
		return nil, err
	}
	cmd, err := python.Command(ctx, append([]string{"-u", h.executor}, h.programArguments(req)...)...)
	if err != nil {
		return nil, err
	}
	addEnvironment(cmd, programEnvironment(req)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, gate{ctx, os.Stderr}
	return interruptible(cmd), nil
}

func (h *host) programArguments(req *pulumirpc.RunRequest) []string {
	arguments := []string{
		"--monitor", req.GetMonitorAddress(),
		"--engine", h.engine,
		"--project", req.GetProject(),
		"--root_directory", req.GetInfo().GetRootDirectory(),
		"--stack", req.GetStack(),
		"--pwd", req.GetPwd(),
		"--dry_run", strconv.FormatBool(req.GetDryRun()),
		"--parallel", strconv.Itoa(int(req.GetParallel())),
		"--organization", req.GetOrganization(),
		req.GetInfo().GetEntryPoint(),
	}
	return append(arguments, req.GetArgs()...)
}

// runResponse turns the way in which a program ended into what the engine shows.
func runResponse(ctx context.Context, err error) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case ctx.Err() != nil:
		return &pulumirpc.RunResponse{Error: "the program was interrupted"}
	case errors.As(err, &exit) && exit.ExitCode() == errorWasShown:
		return &pulumirpc.RunResponse{Bail: true}
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: exitMessage(exit)}
	default:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program could not be started: %v", err)}
	}
}

// exitMessage uses the words of Pulumi's own host, for people search for them.
func exitMessage(exit *exec.ExitError) string {
	if !exit.Exited() {
		return "program exited unexpectedly: " + exit.String()
	}
	return fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode())
}
