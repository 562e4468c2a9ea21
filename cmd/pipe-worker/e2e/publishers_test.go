//go:build linux

package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	gleanapi "github.com/pipe-engine/pipe/sinks/glean/api"
	gleanupload "github.com/pipe-engine/pipe/sinks/glean/upload"
)

// write is a request that changes a datasource.
type write struct {
	operation  string
	process    int    // that sent it; 0: it was gone before it was looked for
	run        string // that the id of its upload names; "" for a request that belongs to no upload
	began, end int    // its place in the order of all beginnings and ends of requests
}

func (w write) String() string {
	return fmt.Sprintf("%s of process %d, run %s, from %d to %d", w.operation, w.process, cmp.Or(w.run, "-"), w.began,
		w.end)
}

// reads are the operations that change nothing.
var reads = []string{"getdatasourceconfig", "checkdocumentaccess"}

// writeOf returns the datasource of a request and what is to be known of it; ok is false for one
// that changes nothing.
func writeOf(path string, body []byte) (datasource string, w write, ok bool) {
	w.operation = strings.TrimPrefix(path, gleanapi.Prefix)
	if strings.HasPrefix(w.operation, "debug/") || slices.Contains(reads, w.operation) {
		return "", w, false
	}
	var named struct {
		Datasource string `json:"datasource"`
		Name       string `json:"name"` // of adddatasource
		UploadID   string `json:"uploadId"`
		Documents  []struct {
			Datasource string `json:"datasource"`
		} `json:"documents"`
		Document struct {
			Datasource string `json:"datasource"`
		} `json:"document"`
	}
	if codec.Unmarshal(body, &named) != nil {
		return "", w, false
	}
	datasource = cmp.Or(named.Datasource, named.Document.Datasource)
	if datasource == "" && len(named.Documents) > 0 {
		datasource = named.Documents[0].Datasource
	}
	if datasource == "" {
		datasource = named.Name
	}
	if named.UploadID != "" {
		_, w.run = gleanupload.OriginOf(named.UploadID)
	}
	return datasource, w, true
}

// overlaps returns what shows that a datasource had two publishers: requests of two processes at the
// same time, and an upload of a run after that of a later one began.
func overlaps(writes []write) (wrong []string) {
	writes = slices.Clone(writes)
	slices.SortFunc(writes, func(a, b write) int { return a.began - b.began })
	for i, w := range writes {
		for _, later := range writes[i+1:] {
			if w.process != 0 && later.process != 0 && w.process != later.process && later.began < w.end {
				wrong = append(wrong, fmt.Sprintf("at the same time: %s; %s", w, later))
			}
		}
	}
	last, over := "", map[string]bool{}
	for _, w := range writes {
		if w.run == "" || w.run == last {
			continue
		}
		if over[w.run] {
			wrong = append(wrong, fmt.Sprintf("after an upload of run %s: %s", last, w))
		}
		if last != "" {
			over[last] = true
		}
		last = w.run
	}
	return wrong
}

// TestOverlaps: two publishers are noticed, and one after the other is not.
func TestOverlaps(t *testing.T) {
	for _, c := range []struct {
		name   string
		writes []write
		wrong  int
	}{
		{"one after the other",
			[]write{{run: "A", process: 1, began: 1, end: 2}, {run: "B", process: 2, began: 3, end: 4}}, 0},
		{"many requests of one",
			[]write{{run: "A", process: 1, began: 1, end: 4}, {run: "A", process: 1, began: 2, end: 3}}, 0},
		{"at the same time", []write{{run: "A", process: 1, began: 1, end: 3}, {process: 2, began: 2, end: 4}}, 1},
		{"in turn", []write{{run: "A", process: 1, began: 1, end: 2}, {run: "B", process: 2, began: 3, end: 4},
			{run: "A", process: 1, began: 5, end: 6}}, 1},
	} {
		if got := overlaps(c.writes); len(got) != c.wrong {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// processOf returns which of some processes has the other end, remote, of a connection to local; 0 when
// none has it (any more).
func processOf(remote, local string, pids []int) int {
	inode := inodeOf(remote, local)
	for range 2 { // the kernel does not list all connections at one moment
		if inode == "" {
			inode = inodeOf(remote, local)
		}
	}
	if inode == "" {
		return 0
	}
	for _, pid := range pids {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range open {
			if to, err := os.Readlink(fd); err == nil && to == "socket:["+inode+"]" {
				return pid
			}
		}
	}
	return 0
}

// inodeOf returns the inode of the socket of a connection from an address to another one. The first
// alone may have several: its port is free for connections to other addresses.
func inodeOf(from, to string) string {
	from, to = listed(from), listed(to)
	b, err := os.ReadFile("/proc/net/tcp")
	if err != nil || from == "" || to == "" {
		return ""
	}
	for line := range bytes.Lines(b) {
		const inode = 9
		if f := bytes.Fields(line); len(f) > inode && string(f[1]) == from && string(f[2]) == to {
			return string(f[inode])
		}
	}
	return ""
}

// listed returns an address as the kernel lists it.
func listed(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	ip := net.ParseIP(host).To4()
	n, err := strconv.Atoi(port)
	if err != nil || ip == nil {
		return ""
	}
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], n)
}

// TestProcessOf: a connection's process is found by its addresses, also when another connection, of
// another process or of none, has the same port.
func TestProcessOf(t *testing.T) {
	var servers []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		servers = append(servers, l.Addr().String())
	}
	c, err := net.Dial("tcp", servers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	remote := c.LocalAddr().String()
	if pid := processOf(remote, servers[0], []int{1, os.Getpid()}); pid != os.Getpid() {
		t.Errorf("process %d, want %d", pid, os.Getpid())
	}
	if pid := processOf(remote, servers[1], []int{os.Getpid()}); pid != 0 {
		t.Errorf("process %d for a connection to another server", pid)
	}
	if pid := processOf("127.0.0.1:1", servers[0], []int{os.Getpid()}); pid != 0 {
		t.Errorf("process %d for no connection", pid)
	}
}
