package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// host answers the engine's calls. Programs and plugins run as child processes, one for each call.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	engine     string
	executor   string
	conduct    conduct
	operations context.Context
	abort      context.CancelFunc
}

func newHost(engine, executor string, shown conduct) *host {
	operations, abort := context.WithCancel(context.Background())
	return &host{engine: engine, executor: executor, conduct: shown, operations: operations, abort: abort}
}

// serve listens on a free loopback port until life ends; calls under way may come to their end.
func serve(life context.Context, languageHost *host) (rpcutil.ServeHandle, error) {
	cancel := make(chan bool)
	context.AfterFunc(life, func() { close(cancel) })
	return rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: cancel,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, languageHost)
			return nil
		},
	})
}

// operation gives a program a context that ends with its call and with Cancel.
func (h *host) operation(call context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(h.operations)
	release := context.AfterFunc(call, cancel)
	return ctx, func() {
		release()
		cancel()
	}
}

// Handshake has nothing to take over: the engine's address came as an argument.
func (h *host) Handshake(
	context.Context, *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// GetPluginInfo reports the version of Pulumi that this host was built with.
func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// Cancel interrupts every program that runs, and any that would start later.
func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	if h.conduct.interruptsPrograms() {
		h.abort()
	}
	return &emptypb.Empty{}, nil
}
