package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestAnInterruptEndsTheHostAtOnce(t *testing.T) {
	host := startProcess(t, report)
	_, err := host.client.GetPluginInfo(t.Context(), &emptypb.Empty{})
	must(t, err)
	started := time.Now()
	host.interrupt(t)
	host.end(t)

	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestAnInterruptedProgramShowsItsTraceback(t *testing.T) {
	next := announcements(t)
	host, info := startProcess(t, announce), programInfo(t, nil)
	go host.client.Run(t.Context(), &pulumirpc.RunRequest{Info: info})
	expectText(t, "running", next())
	_, err := host.client.Cancel(t.Context(), &emptypb.Empty{})
	must(t, err)
	expectText(t, "interrupted", next())
	host.interrupt(t)
	_, stderr := host.end(t)

	if !strings.Contains(stderr, "Traceback") || !strings.Contains(stderr, "KeyboardInterrupt") {
		t.Errorf("stderr was %q", stderr)
	}
}

func TestAnUnknownReleaseEndsTheHost(t *testing.T) {
	t.Setenv(releaseVariable, "3.1")
	_, err := chosenRelease()

	expectError(t, `LANGUAGE_HOST_RELEASE must be 3.259 or 3.216, not "3.1"`, err)
}

func TestTheHostEndsWhenItsEngineIsGone(t *testing.T) {
	gone := make(chan bool)
	engine, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{Cancel: gone})
	must(t, err)
	host := startProcess(t, report, loopback(engine.Port))
	close(gone)
	must(t, <-engine.Done)

	host.end(t)
}

func TestPatienceIsADuration(t *testing.T) {
	for given, expected := range map[string]time.Duration{"": originalPatience, "200ms": 200 * time.Millisecond} {
		t.Setenv(patienceVariable, given)
		patience, err := chosenPatience()
		must(t, err)
		expectText(t, expected.String(), patience.String())
	}
	t.Setenv(patienceVariable, "soon")
	_, err := chosenPatience()
	expectError(t, "LANGUAGE_HOST_PATIENCE must be a duration", err)
}

func TestAProgramThatIgnoresTheInterruptIsKilled(t *testing.T) {
	t.Setenv(patienceVariable, "200ms")
	next := announcements(t)
	host, info := startProcess(t, "import signal; signal.signal(2, signal.SIG_IGN)"+announce), programInfo(t, nil)
	go host.client.Run(t.Context(), &pulumirpc.RunRequest{Info: info})
	expectText(t, "running", next())
	started := time.Now()
	_, err := host.client.Cancel(t.Context(), &emptypb.Empty{})
	must(t, err)
	host.interrupt(t)
	host.end(t)

	expectText(t, "", next())
	if took := time.Since(started); took < 200*time.Millisecond || took > originalPatience {
		t.Errorf("took %s", took)
	}
}

func TestTheProgramsOutputGoesToTheHostsOwnStreams(t *testing.T) {
	host := startProcess(t, "import sys; print('to stdout'); print('to stderr', file=sys.stderr)")
	_, err := host.client.Run(context.Background(), &pulumirpc.RunRequest{Info: programInfo(t, nil)})
	must(t, err)
	host.interrupt(t)
	stdout, stderr := host.end(t)

	expectText(t, "to stdout\n", stdout)
	expectText(t, "to stderr\n", stderr)
}

func TestTheEnginesLogFlagsAreTaken(t *testing.T) {
	engine, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{Cancel: make(chan bool)})
	must(t, err)
	host := startProcess(t, report, "--logtostderr", "-v=1", "--tracing", "file:trace", loopback(engine.Port))
	_, err = host.client.GetPluginInfo(t.Context(), &emptypb.Empty{})

	must(t, err)
}

func TestTheExecutorMustLieBesideTheCommand(t *testing.T) {
	_, err := executorPath()

	expectError(t, "pulumi-language-python-exec", err)
}
