package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// pack stands for the module pulumi.policy of the SDK: it reports and leaves the analysis to the server on ANALYZER.
const pack = report + `
print(os.environ["ANALYZER"])
` + announce

type analyzer struct {
	pulumirpc.UnimplementedAnalyzerServer
	stack chan *pulumirpc.AnalyzerStackConfigureRequest
}

func (a *analyzer) ConfigureStack(
	_ context.Context, stack *pulumirpc.AnalyzerStackConfigureRequest,
) (*pulumirpc.AnalyzerStackConfigureResponse, error) {
	a.stack <- stack
	return &pulumirpc.AnalyzerStackConfigureResponse{}, nil
}

func (a *analyzer) GetAnalyzerInfo(context.Context, *emptypb.Empty) (*pulumirpc.AnalyzerInfo, error) {
	return &pulumirpc.AnalyzerInfo{Name: "the-pack"}, nil
}

// serveAnalyzer sets ANALYZER to the port of what answers for the pack.
func serveAnalyzer(t *testing.T) *analyzer {
	t.Helper()
	served := &analyzer{stack: make(chan *pulumirpc.AnalyzerStackConfigureRequest, 1)}
	end := make(chan bool)
	server, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: end,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterAnalyzerServer(server, served)
			return nil
		},
	})
	must(t, err)
	t.Cleanup(func() { close(end) })
	t.Setenv("ANALYZER", strconv.Itoa(server.Port))
	return served
}

// packInfo describes a pack with a virtual environment of its own, in which source is the module pulumi.policy.
func packInfo(t *testing.T, source string) *pulumirpc.ProgramInfo {
	t.Helper()
	info := programInfo(t, map[string]any{"virtualenv": "env"})
	makeVirtualenv(t, info.RootDirectory+"/env")
	writeFile(t, info.RootDirectory, "pulumi/policy/__main__.py", source)
	return info
}

func TestAPolicyPackIsStartedWithItsStackAndAttached(t *testing.T) {
	read, next, analyzer := reportFile(t), announcements(t), serveAnalyzer(t)
	info := packInfo(t, pack)
	call, end := context.WithCancel(t.Context())
	stream, err := newClient(t, "").RunPlugin(call, &pulumirpc.RunPluginRequest{
		Kind: "analyzer", Args: []string{"engine.invalid:1"}, Env: os.Environ(), Info: info,
	})
	must(t, err)
	proxy := dialProxy(t, stream)
	stack := &pulumirpc.AnalyzerStackConfigureRequest{
		Project: "shop", Stack: "dev", Organization: "acme", DryRun: true, Config: map[string]string{"shop:size": "3"},
	}
	_, err = proxy.ConfigureStack(t.Context(), stack)
	must(t, err)
	expectText(t, "running", next())
	answer, err := proxy.GetAnalyzerInfo(t.Context(), &emptypb.Empty{})
	must(t, err)

	expectText(t, "the-pack", answer.Name)
	expectText(t, "dev", (<-analyzer.stack).GetStack())
	expectStackIn(t, read().Env)
	expectText(t, "engine.invalid:1 "+info.RootDirectory, strings.Join(read().Argv, " "))
	expectText(t, info.RootDirectory, read().Cwd)
	expectText(t, info.RootDirectory+"/env", read().Prefix)

	end()
	expectText(t, "", next())
}

func expectStackIn(t *testing.T, env map[string]string) {
	t.Helper()
	expectText(t, "shop", env["PULUMI_PROJECT"])
	expectText(t, "dev", env["PULUMI_STACK"])
	expectText(t, "acme", env["PULUMI_ORGANIZATION"])
	expectText(t, "true", env["PULUMI_DRY_RUN"])
	expectText(t, `{"shop:size":"3"}`, env["PULUMI_CONFIG"])
}

func TestAPackThatDoesNotStartFailsTheCallsThatWaitForIt(t *testing.T) {
	info := packInfo(t, "raise SystemExit('no rules')")
	stream, err := newClient(t, "").RunPlugin(t.Context(), &pulumirpc.RunPluginRequest{
		Kind: "analyzer", Env: os.Environ(), Info: info,
	})
	must(t, err)
	_, err = dialProxy(t, stream).GetAnalyzerInfo(t.Context(), &emptypb.Empty{})

	expectError(t, "policy pack not started", err)
	said, err := receive(stream)
	expectText(t, "no rules\n", said.stderr)
	expectError(t, "could not read policy pack port", err)
}

func TestAPackWithoutItsVirtualenvFails(t *testing.T) {
	info := programInfo(t, map[string]any{"virtualenv": "env"})
	stream, err := newClient(t, "").RunPlugin(t.Context(), &pulumirpc.RunPluginRequest{Kind: "analyzer", Info: info})
	must(t, err)
	configurePack(t, dialProxy(t, stream))
	_, err = receive(stream)

	expectError(t, info.RootDirectory+"/env/bin/python: no such file or directory", err)
}

func configurePack(t *testing.T, proxy pulumirpc.AnalyzerClient) {
	t.Helper()
	_, err := proxy.ConfigureStack(t.Context(), &pulumirpc.AnalyzerStackConfigureRequest{})
	must(t, err)
}

func TestAResourcePluginsOutputAndExitCodeAreStreamed(t *testing.T) {
	info := programInfo(t, nil)
	makeVirtualenv(t, info.RootDirectory+"/venv")
	writeFile(t, info.ProgramDirectory, "__main__.py", `
import os, sys
print(sys.argv[1:], os.environ["SETTING"], os.getcwd())
sys.exit("went wrong")
`)
	pwd := t.TempDir()
	stream, err := newClient(t, "").RunPlugin(t.Context(), &pulumirpc.RunPluginRequest{
		Kind: "resource", Pwd: pwd, Args: []string{"engine.invalid:1"}, Env: append(os.Environ(), "SETTING=on"), Info: info,
	})
	must(t, err)
	said, err := receive(stream)
	must(t, err)

	expectText(t, "['engine.invalid:1'] on "+pwd+"\n", said.stdout)
	expectText(t, "went wrong\n", said.stderr)
	expectText(t, "1", strconv.Itoa(said.code))
}

func TestAPluginIsKilledWhenItsCallEnds(t *testing.T) {
	next := announcements(t)
	info := programInfo(t, nil)
	makeVirtualenv(t, info.RootDirectory+"/venv")
	writeFile(t, info.ProgramDirectory, "__main__.py", announce)
	call, end := context.WithCancel(t.Context())
	_, err := newClient(t, "").RunPlugin(call, &pulumirpc.RunPluginRequest{
		Kind: "resource", Env: os.Environ(), Info: info,
	})
	must(t, err)
	expectText(t, "running", next())
	end()

	expectText(t, "", next())
}

// dialProxy reads the port that RunPlugin names first.
func dialProxy(t *testing.T, stream pulumirpc.LanguageRuntime_RunPluginClient) pulumirpc.AnalyzerClient {
	t.Helper()
	message, err := stream.Recv()
	must(t, err)
	port, err := strconv.Atoi(strings.TrimSpace(string(message.GetStdout())))
	must(t, err)
	connection, err := grpc.NewClient(loopback(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { connection.Close() })
	return pulumirpc.NewAnalyzerClient(connection)
}

type pluginSaid struct {
	stdout, stderr string
	code           int
}

// receive collects what a plugin says until the end of its stream.
func receive(stream pulumirpc.LanguageRuntime_RunPluginClient) (pluginSaid, error) {
	said := pluginSaid{code: -1}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return said, nil
		}
		if err != nil {
			return said, err
		}
		said.stdout += string(message.GetStdout())
		said.stderr += string(message.GetStderr())
		if exit, ok := message.GetOutput().(*pulumirpc.RunPluginResponse_Exitcode); ok {
			said.code = int(exit.Exitcode)
		}
	}
}
