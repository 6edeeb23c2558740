package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestRunTellsTheProgramWhatTheEngineSaid(t *testing.T) {
	read := reportFile(t)
	info := programInfo(t, nil)
	_, err := newClient(t, report).Run(t.Context(), &pulumirpc.RunRequest{
		MonitorAddress: "monitor.invalid:2", Project: "shop", Stack: "dev", Organization: "acme", Pwd: "/tmp",
		DryRun: true, Parallel: 7, Args: []string{"more"}, Info: info,
	})
	must(t, err)

	expected := []string{
		"--monitor", "monitor.invalid:2", "--engine", "engine.invalid:1", "--project", "shop",
		"--root_directory", info.RootDirectory, "--stack", "dev", "--pwd", "/tmp", "--dry_run", "true",
		"--parallel", "7", "--organization", "acme", ".", "more",
	}
	if given := read().Argv; !slices.Equal(expected, given) {
		t.Errorf("arguments\nexpected %v\nbut were %v", expected, given)
	}
}

func TestRunPassesTheConfigurationAsJSON(t *testing.T) {
	read := reportFile(t)
	_, err := newClient(t, report).Run(t.Context(), &pulumirpc.RunRequest{
		Config: map[string]string{"shop:size": `"<3>"`}, ConfigSecretKeys: []string{"shop:key"}, Info: programInfo(t, nil),
	})
	must(t, err)

	env := read().Env
	expectText(t, `{"shop:size":"\"\u003c3\u003e\""}`, env["PULUMI_CONFIG"])
	expectText(t, `["shop:key"]`, env["PULUMI_CONFIG_SECRET_KEYS"])
}

func TestRunPassesAnAbsentConfigurationAsEmptyAndNotAsNull(t *testing.T) {
	read := reportFile(t)
	_, err := newClient(t, report).Run(t.Context(), &pulumirpc.RunRequest{Info: programInfo(t, nil)})
	must(t, err)

	env := read().Env
	expectText(t, `{}`, env["PULUMI_CONFIG"])
	expectText(t, `[]`, env["PULUMI_CONFIG_SECRET_KEYS"])
}

func TestRunReportsHowTheProgramEnded(t *testing.T) {
	cases := map[string]struct {
		executor string
		error    string
		bail     bool
	}{
		"success":           {"", "", false},
		"failure":           {"raise SystemExit(3)", "program exited with non-zero exit code: 3", false},
		"error shown":       {"raise SystemExit(32)", "", true},
		"killed by another": {"import os; os.kill(os.getpid(), 9)", "program exited with non-zero exit code: -1", false},
	}
	for name, given := range cases {
		t.Run(name, func(t *testing.T) {
			response, err := newClient(t, given.executor).Run(t.Context(), &pulumirpc.RunRequest{Info: programInfo(t, nil)})
			must(t, err)
			if response.Error != given.error || response.Bail != given.bail {
				t.Errorf("expected %q, bail %t, but was %v", given.error, given.bail, response)
			}
		})
	}
}

func TestRunUsesTheVirtualenvBesideTheProjectFile(t *testing.T) {
	read := reportFile(t)
	info := programInfo(t, map[string]any{"virtualenv": "env"})
	makeVirtualenv(t, info.RootDirectory+"/env")
	info.ProgramDirectory = info.RootDirectory + "/program"
	_, err := newClient(t, report).Run(t.Context(), &pulumirpc.RunRequest{Info: info})
	must(t, err)

	expectText(t, info.RootDirectory+"/env", read().Prefix)
	if path := read().Env["PATH"]; !strings.HasPrefix(path, info.RootDirectory+"/env/bin:") {
		t.Errorf("PATH was %s", path)
	}
}

func TestRunSaysHowToMakeAMissingVirtualenv(t *testing.T) {
	info := programInfo(t, map[string]any{"virtualenv": "env"})
	_, err := newClient(t, report).Run(t.Context(), &pulumirpc.RunRequest{Info: info})

	expectError(t, "-m venv "+info.RootDirectory+"/env", err)
}

func TestTheEndOfACallInterruptsItsProgram(t *testing.T) {
	next := announcements(t)
	call, end := context.WithCancel(t.Context())
	client, info := newClient(t, announce), programInfo(t, nil)
	go client.Run(call, &pulumirpc.RunRequest{Info: info})
	expectText(t, "running", next())
	end()

	expectText(t, "interrupted", next())
}

func TestTheEndOfACallKillsItsProgramInTheOlderRelease(t *testing.T) {
	next := announcements(t)
	call, end := context.WithCancel(t.Context())
	client, info := newClientOf(t, oldest, announce), programInfo(t, nil)
	go client.Run(call, &pulumirpc.RunRequest{Info: info})
	expectText(t, "running", next())
	end()

	expectText(t, "", next())
}

// runCancelled calls Cancel once the program runs, and ends the call if that has no effect.
func runCancelled(t *testing.T, client pulumirpc.LanguageRuntimeClient, next func() string) *pulumirpc.RunResponse {
	t.Helper()
	info := programInfo(t, nil)
	ended := make(chan *pulumirpc.RunResponse, 1)
	call, end := context.WithCancel(t.Context())
	go func() {
		response, _ := client.Run(call, &pulumirpc.RunRequest{Info: info})
		ended <- response
	}()
	expectText(t, "running", next())
	_, err := client.Cancel(t.Context(), &emptypb.Empty{})
	must(t, err)
	select {
	case response := <-ended:
		end()
		return response
	case <-time.After(time.Second):
		end()
		<-ended
		return nil
	}
}

func TestCancelInterruptsTheProgram(t *testing.T) {
	next := announcements(t)
	response := runCancelled(t, newClient(t, announce), next)

	expectText(t, "interrupted", next())
	expectText(t, "program exited with non-zero exit code: -1", response.GetError())
}

func TestCancelHasNoEffectInTheOlderRelease(t *testing.T) {
	if response := runCancelled(t, newClientOf(t, oldest, announce), announcements(t)); response != nil {
		t.Errorf("the program ended: %v", response)
	}
}

func TestAnEarlierCancelInterruptsALaterProgram(t *testing.T) {
	client := newClient(t, announce)
	_, err := client.Cancel(t.Context(), &emptypb.Empty{})
	must(t, err)
	response, err := client.Run(t.Context(), &pulumirpc.RunRequest{Info: programInfo(t, nil)})
	must(t, err)

	expectText(t, "problem executing program (could not run language executor): context canceled", response.GetError())
}

func TestADebuggerIsRefused(t *testing.T) {
	response, err := newClient(t, report).Run(t.Context(), &pulumirpc.RunRequest{AttachDebugger: true})
	must(t, err)

	expectText(t, "attaching a debugger needs the official Pulumi", response.Error)
}
