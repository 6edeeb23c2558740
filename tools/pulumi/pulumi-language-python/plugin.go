package main

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

type pluginStream = pulumirpc.LanguageRuntime_RunPluginServer

// RunPlugin runs a plugin written in Python, a policy pack for one, and streams its output and exit code.
func (h *host) RunPlugin(req *pulumirpc.RunPluginRequest, stream pluginStream) error {
	ctx, done := h.operation(stream.Context())
	defer done()
	output := &pluginOutput{stream: stream}
	defer output.close()
	python, err := validToolchain(ctx, req.GetInfo())
	if err != nil {
		return err
	}
	if req.GetKind() == string(apitype.AnalyzerPlugin) {
		err = runPolicyPack(ctx, python, req, output)
	} else {
		err = runOtherPlugin(ctx, python, req, output)
	}
	return output.sendExit(err)
}

func runOtherPlugin(
	ctx context.Context, python toolchain.Toolchain, req *pulumirpc.RunPluginRequest, output *pluginOutput,
) error {
	arguments := append([]string{"-u", req.GetInfo().GetProgramDirectory()}, req.GetArgs()...)
	cmd, err := pluginCommand(ctx, python, req, arguments)
	if err != nil {
		return err
	}
	cmd.Dir = req.GetPwd()
	cmd.Stdout, cmd.Stderr = output.stdout(), gate{ctx, output.stderr()}
	return cmd.Run()
}

// runPolicyPack starts the pack once the engine has told the proxy about the stack, for the pack reads that from its
// environment.
func runPolicyPack(
	ctx context.Context, python toolchain.Toolchain, req *pulumirpc.RunPluginRequest, output *pluginOutput,
) error {
	directory := req.GetInfo().GetProgramDirectory()
	arguments := append([]string{"-u", "-m", "pulumi.policy"}, req.GetArgs()...)
	cmd, err := pluginCommand(ctx, python, req, append(arguments, directory))
	if err != nil {
		return err
	}
	proxy, stdout, err := sdk.NewPolicyProxy(ctx, output.stdout())
	if err != nil {
		return err
	}
	stack, err := proxy.AwaitConfiguration(ctx)
	if err != nil {
		return err
	}
	addEnvironment(cmd, packEnvironment(stack)...)
	cmd.Dir = directory
	cmd.Stdout, cmd.Stderr = stdout, gate{ctx, output.stderr()}
	// Attach also a pack that did not start: only so do the calls that wait for it end.
	return errors.Join(cmd.Start(), proxy.Attach(ctx, cmd))
}

// pluginCommand has the environment that the engine chose, with the plugin's virtual environment in front.
func pluginCommand(
	ctx context.Context, python toolchain.Toolchain, req *pulumirpc.RunPluginRequest, arguments []string,
) (*exec.Cmd, error) {
	cmd, err := python.Command(ctx, arguments...)
	if err != nil {
		return nil, err
	}
	virtualenv, err := python.VirtualEnvPath(ctx)
	if err != nil {
		return nil, err
	}
	cmd.Env = req.GetEnv()
	if virtualenv != "" {
		cmd.Env = toolchain.ActivateVirtualEnv(req.GetEnv(), virtualenv)
	}
	return interruptible(cmd), nil
}

// pluginOutput serialises what a plugin's two streams send, and drops what comes after the call has ended: gRPC
// allows neither.
type pluginOutput struct {
	mutex  sync.Mutex
	stream pluginStream
	closed bool
}

type writerFunc func([]byte) (int, error)

func (write writerFunc) Write(text []byte) (int, error) { return write(text) }

func (o *pluginOutput) stdout() io.Writer {
	return writerFunc(func(text []byte) (int, error) {
		return len(text), o.send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: text}})
	})
}

func (o *pluginOutput) stderr() io.Writer {
	return writerFunc(func(text []byte) (int, error) {
		return len(text), o.send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: text}})
	})
}

// sendExit reports the exit code that err stands for; an err that is none ends the call.
func (o *pluginOutput) sendExit(err error) error {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	code := int32(0)
	if exit != nil {
		code = int32(exit.ExitCode())
	}
	return o.send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: code}})
}

func (o *pluginOutput) send(message *pulumirpc.RunPluginResponse) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.closed {
		return nil
	}
	return o.stream.Send(message)
}

func (o *pluginOutput) close() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.closed = true
}
