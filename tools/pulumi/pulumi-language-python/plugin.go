package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

type pluginStream = pulumirpc.LanguageRuntime_RunPluginServer

// RunPlugin runs a plugin written in Python, such as a policy pack, and streams its output and exit code. A plugin is
// killed when the call ends early.
func (h *host) RunPlugin(req *pulumirpc.RunPluginRequest, stream pluginStream) error {
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(stream, false)
	if err != nil {
		return err
	}
	defer closer.Close()
	if req.GetKind() == string(apitype.AnalyzerPlugin) {
		err = runPolicyPack(stream.Context(), req, stdout, stderr)
	} else {
		err = runOtherPlugin(stream.Context(), req, stdout, stderr)
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return closer.Close()
	case errors.As(err, &exit):
		code := &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())}
		return stream.Send(&pulumirpc.RunPluginResponse{Output: code})
	default:
		return fmt.Errorf("problem executing plugin program (could not run language executor): %w", err)
	}
}

func runOtherPlugin(ctx context.Context, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer) error {
	options, err := pythonOptions(req.GetInfo())
	if err != nil {
		return err
	}
	python, err := resolve(pluginOptions(options))
	if err != nil {
		return err
	}
	cmd, err := python.Command(ctx, append([]string{req.GetInfo().GetProgramDirectory()}, req.GetArgs()...)...)
	if err != nil {
		return err
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = req.GetPwd(), stdout, stderr
	cmd.Env = append(cmd.Env, req.GetEnv()...)
	return cmd.Run()
}

// runPolicyPack starts the pack after the engine has sent the stack's configuration to the proxy: the pack reads it
// from its environment. What the engine gives wins over what the virtual environment sets, PATH for example.
func runPolicyPack(ctx context.Context, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer) error {
	python, err := resolveToolchain(req.GetInfo())
	if err != nil {
		return err
	}
	directory := req.GetInfo().GetProgramDirectory()
	arguments := append([]string{"-u", "-m", "pulumi.policy"}, req.GetArgs()...)
	cmd, err := python.Command(ctx, append(arguments, directory)...)
	if err != nil {
		return err
	}
	proxy, stdout, err := sdk.NewPolicyProxy(ctx, stdout)
	if err != nil {
		return err
	}
	stack, err := proxy.AwaitConfiguration(ctx)
	if err != nil {
		return err
	}
	cmd.Env = append(append(cmd.Env, packEnvironment(stack)...), req.GetEnv()...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = directory, stdout, stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	return proxy.Attach(ctx, cmd)
}
