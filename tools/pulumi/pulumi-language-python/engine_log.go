package main

import (
	"context"
	"io"
	"math/rand"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// engineLog sends what a subprocess prints to the engine, which shows it while the command lasts.
type engineLog struct {
	ctx        context.Context
	connection *grpc.ClientConn
	stream     int32
}

type writerFunc func([]byte) (int, error)

func (write writerFunc) Write(text []byte) (int, error) { return write(text) }

func (h *host) engineLog(ctx context.Context) (*engineLog, error) {
	credentials := grpc.WithTransportCredentials(insecure.NewCredentials())
	connection, err := grpc.NewClient(h.engine, credentials, rpcutil.GrpcChannelOptions())
	if err != nil {
		return nil, err
	}
	return &engineLog{ctx: ctx, connection: connection, stream: rand.Int31()}, nil
}

func (l *engineLog) info() io.Writer { return l.writer(pulumirpc.LogSeverity_INFO) }

func (l *engineLog) error() io.Writer { return l.writer(pulumirpc.LogSeverity_ERROR) }

func (l *engineLog) writer(severity pulumirpc.LogSeverity) io.Writer {
	return writerFunc(func(text []byte) (int, error) {
		_, err := pulumirpc.NewEngineClient(l.connection).Log(l.ctx, &pulumirpc.LogRequest{
			Message: strings.ToValidUTF8(string(text), "�"), Ephemeral: true, StreamId: l.stream, Severity: severity,
		})
		return len(text), err
	})
}

func (l *engineLog) close() { l.connection.Close() }
