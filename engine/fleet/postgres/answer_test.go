//go:build unix

package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/fleet/postgres/postgrestest"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/state"
)

// cut is a connection to a server that ends in the place of an answer to COMMIT, when a test asks for it.
type cut struct {
	next atomic.Bool // the next answer is lost
	lost atomic.Int32
	all  sync.WaitGroup
}

// committed is the answer of PostgreSQL to COMMIT.
var committed = []byte("C\x00\x00\x00\x0bCOMMIT\x00")

// cutting returns the address of a server with what can cut connections to it.
func cutting(t *testing.T, port int) (*cut, string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cut{}
	t.Cleanup(func() { l.Close(); c.all.Wait() })
	c.all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				client.Close()
				continue
			}
			c.all.Go(func() { io.Copy(server, client); server.Close() })
			c.all.Go(func() { c.answers(client, server); client.Close() })
		}
	})
	return c, fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", l.Addr())
}

func (c *cut) answers(to io.Writer, from io.Reader) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if bytes.Contains(b[:n], committed) && c.next.CompareAndSwap(true, false) {
			c.lost.Add(1)
			return
		}
		if _, failed := to.Write(b[:n]); failed != nil || err != nil {
			return
		}
	}
}

// TestLostAnswer: what was committed is written, also when the answer to COMMIT does not arrive. A lock's
// connection cannot say so any more.
func TestLostAnswer(t *testing.T) {
	pg := postgrestest.Shared(t)
	cfg := pg.Config(t, 0)
	c, at := cutting(t, pg.Port)
	cfg.URL, cfg.Password = config.NewSecret(at), config.NewSecret(postgrestest.Password)
	store := postgrestest.Open(t, cfg)
	write := func(in state.Files, name, text string) error {
		return state.Replace(in, name, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			c.next.Store(true)
			return err
		})
	}
	add := func(in state.Files, name, text string) error {
		a, err := in.Append(name)
		if err != nil {
			return err
		}
		_, err = io.WriteString(a, text)
		c.next.Store(true)
		return errors.Join(err, a.Sync(), a.Close())
	}
	files, _ := store.Open(fake.Place)
	for name, do := range map[string]func() (string, error){
		"written": func() (string, error) { return "one", write(files, "written", "one") },
		"written with a lock": func() (string, error) {
			locked, unlock, err := files.Lock(".approving", 0)
			if err != nil {
				return "", err
			}
			err = write(locked, "written with a lock", "two")
			unlock() // its connection has ended
			return "two", err
		},
		"appended":         func() (string, error) { return "three", add(files, "appended", "three") },
		"appended nothing": func() (string, error) { return "", add(files, "appended nothing", "") },
	} {
		before := c.lost.Load()
		want, err := do()
		if err != nil || c.lost.Load() != before+1 {
			t.Errorf("%s: %v; %d answers lost", name, err, c.lost.Load()-before)
		}
		if text, err := state.ReadFile(files, name); string(text) != want || err != nil {
			t.Errorf("%s: has %q, %v", name, text, err)
		}
	}
}
