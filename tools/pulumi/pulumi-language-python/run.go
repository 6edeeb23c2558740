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

// errorWasShown is the exit code of pulumi-language-python-exec after it has shown the error to the user.
const errorWasShown = 32

// Run runs a program to its end, after the type checker that the project asks for. The program's output goes where
// the host's goes: to the engine.
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
	if err := typecheck(call, req.GetInfo()); err != nil {
		return nil, err
	}
	return runResponse(cmd.Run()), nil
}

func (h *host) programCommand(ctx context.Context, req *pulumirpc.RunRequest) (*exec.Cmd, error) {
	python, err := validToolchain(ctx, req.GetInfo())
	if err != nil {
		return nil, err
	}
	cmd, err := python.Command(ctx, append([]string{h.executor}, h.programArguments(req)...)...)
	if err != nil {
		return nil, err
	}
	addEnvironment(cmd, programEnvironment(req)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if h.conduct.interruptsPrograms() {
		interruptible(cmd, h.conduct.patience)
	}
	return cmd, nil
}

// programArguments leaves out what the engine left empty.
func (h *host) programArguments(req *pulumirpc.RunRequest) []string {
	named := [][2]string{
		{"--monitor", req.GetMonitorAddress()},
		{"--engine", h.engine},
		{"--project", req.GetProject()},
		{"--root_directory", req.GetInfo().GetRootDirectory()},
		{"--stack", req.GetStack()},
		{"--pwd", req.GetPwd()},
		{"--dry_run", strconv.FormatBool(req.GetDryRun())},
		{"--parallel", strconv.Itoa(int(req.GetParallel()))},
		{"--organization", req.GetOrganization()},
	}
	var arguments []string
	for _, pair := range named {
		if pair[1] != "" {
			arguments = append(arguments, pair[:]...)
		}
	}
	return append(append(arguments, req.GetInfo().GetEntryPoint()), req.GetArgs()...)
}

// runResponse reports to the engine how a program ended. A program that a signal ended has the exit code -1.
func runResponse(err error) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case errors.As(err, &exit) && exit.ExitCode() == errorWasShown:
		return &pulumirpc.RunResponse{Bail: true}
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode()),
		}
	default:
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("problem executing program (could not run language executor): %v", err),
		}
	}
}
