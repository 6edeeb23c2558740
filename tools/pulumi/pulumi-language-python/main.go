// Command pulumi-language-python is a stand-in for Pulumi's own language host of that name, which cannot be had as a
// Go module. The engine starts it, reads its port from the first line of stdout and drives it over gRPC.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
)

// engineCheckInterval is how long an orphaned host outlives a killed engine. The original's is five minutes, which
// nobody but the process table can see.
const engineCheckInterval = time.Second

func main() {
	if err := run(parseArguments()); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

// parseArguments takes what the engine passes to every plugin and returns the engine's address, the last argument.
// Pulumi's logging brings the flags for itself.
func parseArguments() string {
	flag.String("tracing", "", "taken for the engine's sake and not used")
	flag.Parse()
	logging.InitLogging(false, 0, false)
	return flag.Arg(flag.NArg() - 1)
}

// run serves until SIGINT, or until the engine is gone. A terminal sends SIGINT to the program too: it belongs to the
// same process group.
func run(engine string) error {
	life, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if engine != "" {
		if err := rpcutil.Healthcheck(life, engine, engineCheckInterval, stop); err != nil {
			return fmt.Errorf("watching the engine at %s: %w", engine, err)
		}
	}
	executor, err := executorPath()
	if err != nil {
		return err
	}
	shown, err := chosenConduct()
	if err != nil {
		return err
	}
	server, err := serve(life, newHost(engine, executor, shown))
	if err != nil {
		return err
	}
	fmt.Println(server.Port)
	return <-server.Done
}

// executorPath is pulumi-language-python-exec, the script of the SDK that runs a program; it lies beside this command.
func executorPath() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(self), "pulumi-language-python-exec")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the script that runs programs is missing beside the language host: %w", err)
	}
	return path, nil
}
