// Command temporal is the Temporal server of the tests of a fleet, on loopback, and shows what it
// recorded. It is a module of its own, which imports nothing of pipe: the server has some 200
// modules and takes minutes to build.
//
//	temporal serve --file FILE          prints the address, serves until its input ends or SIGTERM
//	temporal executions --address A     prints a line of JSON for each workflow execution
//	temporal histories --address A      the same, with its events
//	temporal schedules --address A      prints a line of JSON for each schedule
//	temporal cancel --address A ID      cancels the workflow execution that runs with an ID
//
// Everything is kept in one SQLite file: a server that is started again with the same port and file
// continues, also after a kill.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "temporal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	command := "help"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet(command, flag.ExitOnError)
	file := flags.String("file", "", "the SQLite `FILE`, made when it is absent")
	port := flags.Int("port", 0, "the `PORT` of the frontend on 127.0.0.1; 0 takes a free one")
	keywords := flags.String("keywords", "", "`NAMES` of search attributes of the type Keyword, separated by commas")
	address := flags.String("address", "", "the `ADDRESS` of a server that runs")
	namespace := flags.String("namespace", "fleet", "the `NAME` of the namespace")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch command {
	case "serve":
		s := settings{file: *file, port: *port, namespace: *namespace}
		s.keywords = strings.FieldsFunc(*keywords, func(r rune) bool { return r == ',' })
		return serve(ctx, s)
	case "executions", "histories", "schedules", "cancel":
		c, err := client.DialContext(ctx, client.Options{HostPort: *address, Namespace: *namespace, Logger: silent{}})
		if err != nil {
			return err
		}
		defer c.Close()
		switch command {
		case "cancel":
			return c.CancelWorkflow(ctx, flags.Arg(0), "")
		case "schedules":
			return schedules(ctx, c, os.Stdout)
		}
		return executions(ctx, c, os.Stdout, command == "histories")
	}
	return fmt.Errorf("want serve, executions, histories, schedules or cancel, not %q", command)
}

// serve runs a server until ctx or the input ends. It prints the address when the namespace answers.
func serve(ctx context.Context, s settings) error {
	if s.file == "" {
		return fmt.Errorf("serve needs --file")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	server, address, err := newServer(s)
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer func() { _ = server.Stop() }()
	if err := answers(ctx, address, s.namespace); err != nil {
		return fmt.Errorf("namespace %s: %w", s.namespace, err)
	}
	fmt.Println(address)
	<-ctx.Done()
	return nil
}

// answers waits until the server answers for the namespace.
func answers(ctx context.Context, address, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		err := ask(ctx, address, namespace)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-every.C:
		}
	}
}

func ask(ctx context.Context, address, namespace string) error {
	c, err := client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: silent{}})
	if err != nil {
		return err
	}
	defer c.Close()
	list, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 1})
	if err == nil && list.HasNext() {
		_, err = list.Next()
	}
	return err
}

// silent is a logger of the SDK that writes nothing.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}
