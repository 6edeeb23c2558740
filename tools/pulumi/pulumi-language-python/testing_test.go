package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// beTheCommand makes the test binary the command itself, so that a test can start it and send it signals.
const beTheCommand = "BE_PULUMI_LANGUAGE_PYTHON"

func TestMain(m *testing.M) {
	if os.Getenv(beTheCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// report is a Python program that writes its arguments, environment and place to the file that REPORT names.
const report = `
import json, os, sys
with open(os.environ["REPORT"], "w") as file:
    json.dump({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "prefix": sys.prefix}, file)
`

// announce is a Python program that reports to the address in ANNOUNCE that it runs, and that it was interrupted.
const announce = `
import os, socket, threading
host, port = os.environ["ANNOUNCE"].split(":")
line = socket.create_connection((host, int(port)))
try:
    line.sendall(b"running\n")
    threading.Event().wait()
except KeyboardInterrupt:
    line.sendall(b"interrupted\n")
    raise
`

type reported struct {
	Argv   []string
	Env    map[string]string
	Cwd    string
	Prefix string
}

// reportFile sets REPORT and returns what reads the file that it names.
func reportFile(t *testing.T) func() reported {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.json")
	t.Setenv("REPORT", path)
	return func() reported {
		t.Helper()
		var content reported
		must(t, json.Unmarshal([]byte(readFile(t, path)), &content))
		return content
	}
}

// announcements sets ANNOUNCE and returns what waits for the next line from the program.
func announcements(t *testing.T) func() string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	t.Setenv("ANNOUNCE", listener.Addr().String())
	lines := make(chan string)
	go func() {
		defer close(lines)
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		for scanner := bufio.NewScanner(connection); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return func() string { return <-lines }
}

// newClient serves a host in this process whose programs are run by the given Python source.
func newClient(t *testing.T, executor string) pulumirpc.LanguageRuntimeClient {
	t.Helper()
	return newClientOf(t, newest, executor)
}

func newClientOf(t *testing.T, shown release, executor string) pulumirpc.LanguageRuntimeClient {
	t.Helper()
	life, end := context.WithCancel(context.Background())
	server, err := serve(life, newHost("engine.invalid:1", writeFile(t, t.TempDir(), "executor.py", executor), conduct{shown, time.Second}))
	must(t, err)
	t.Cleanup(func() {
		end()
		must(t, <-server.Done)
	})
	return dial(t, server.Port)
}

// process is the command itself, running.
type process struct {
	*exec.Cmd
	client pulumirpc.LanguageRuntimeClient
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// startProcess starts the command beside the given executor and reads its port.
func startProcess(t *testing.T, executor string, arguments ...string) *process {
	t.Helper()
	directory := t.TempDir()
	writeFile(t, directory, "pulumi-language-python-exec", executor)
	self, err := os.Executable()
	must(t, err)
	must(t, os.Link(self, filepath.Join(directory, "pulumi-language-python")))
	started := &process{Cmd: exec.Command(filepath.Join(directory, "pulumi-language-python"), arguments...)}
	started.Env = append(os.Environ(), beTheCommand+"=1")
	started.Stderr = &started.stderr
	stdout, err := started.StdoutPipe()
	must(t, err)
	must(t, started.Start())
	t.Cleanup(func() { started.Process.Kill() })
	started.stdout = bufio.NewReader(stdout)
	line, err := started.stdout.ReadString('\n')
	must(t, err)
	port, err := strconv.Atoi(strings.TrimSpace(line))
	must(t, err)
	started.client = dial(t, port)
	return started
}

// end waits for the process and returns what it had written to stdout and stderr after its port.
func (p *process) end(t *testing.T) (string, string) {
	t.Helper()
	rest, err := io.ReadAll(p.stdout)
	must(t, err)
	must(t, p.Wait())
	return string(rest), p.stderr.String()
}

func (p *process) interrupt(t *testing.T) {
	t.Helper()
	must(t, p.Process.Signal(os.Interrupt))
}

func dial(t *testing.T, port int) pulumirpc.LanguageRuntimeClient {
	t.Helper()
	connection, err := grpc.NewClient(loopback(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { connection.Close() })
	return pulumirpc.NewLanguageRuntimeClient(connection)
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// programInfo describes a program in an empty folder, so that no lock file of a toolchain is near.
func programInfo(t *testing.T, options map[string]any) *pulumirpc.ProgramInfo {
	t.Helper()
	directory := t.TempDir()
	given, err := structpb.NewStruct(options)
	must(t, err)
	return &pulumirpc.ProgramInfo{
		RootDirectory: directory, ProgramDirectory: directory, EntryPoint: ".", Options: given,
	}
}

func makeVirtualenv(t *testing.T, directory string) {
	t.Helper()
	output, err := exec.Command("python3", "-m", "venv", "--without-pip", directory).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}

func writeFile(t *testing.T, directory, name, content string) string {
	t.Helper()
	path := filepath.Join(directory, name)
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o755))
	return path
}

func expectText(t *testing.T, expected, given string) {
	t.Helper()
	if expected != given {
		t.Fatalf("expected %q, but was %q", expected, given)
	}
}

func expectError(t *testing.T, part string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Fatalf("expected an error with %q, but was %v", part, err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	must(t, err)
	return string(content)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
