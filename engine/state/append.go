package state

import (
	"io"
	"os"

	"github.com/pipe-engine/pipe/engine/atomicfile"
)

// folderAppender appends to a file of a folder.
type folderAppender struct {
	f    *os.File
	size int64
}

func (s *folderFiles) Append(name string) (Appender, error) {
	path := s.Path(name)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path, info) // opening a FIFO would block
	}
	f, err := atomicfile.Open(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if f, err = regular(f, path); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &folderAppender{f: f, size: info.Size()}, nil
}

func (a *folderAppender) Write(b []byte) (int, error) {
	n, err := a.f.WriteAt(b, a.size)
	a.size += int64(n)
	return n, err
}

func (a *folderAppender) Sync() error { return a.f.Sync() }

func (a *folderAppender) Size() int64 { return a.size }

func (a *folderAppender) Tail(n int) ([]byte, error) {
	b := make([]byte, min(int64(n), a.size))
	read, err := a.f.ReadAt(b, a.size-int64(len(b)))
	if read == len(b) || err == io.EOF {
		err = nil
	}
	return b[:read], err
}

func (a *folderAppender) Truncate(size int64) error {
	err := a.f.Truncate(size)
	if err == nil {
		a.size = size
	}
	return err
}

func (a *folderAppender) Close() error { return a.f.Close() }
