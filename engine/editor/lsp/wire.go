package lsp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// maxMessage is the size of the largest message that is read; a larger one is skipped.
const maxMessage = 32 << 20

// raw is JSON that is decoded later.
type raw []byte

// MarshalJSON returns the JSON itself.
func (r raw) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

// UnmarshalJSON keeps the JSON.
func (r *raw) UnmarshalJSON(b []byte) error {
	*r = append(raw(nil), b...)
	return nil
}

type message struct {
	ID     raw    `json:"id"`
	Method string `json:"method"`
	Params raw    `json:"params"`
}

type responseError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeNotInitialized = -32002
	codeCancelled      = -32800
	codeMethodNotFound = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603
)

// stream reads and writes messages. Writes may come from many goroutines.
type stream struct {
	in  *bufio.Reader
	mu  sync.Mutex
	out io.Writer
}

// Of these errors, the message was skipped.
var (
	errTooLarge = errors.New("the message is larger than 32 MiB")
	errNotJSON  = errors.New("the message is not a JSON object of JSON-RPC")
)

// notProtocol is the error of input that no editor sends.
func notProtocol(text string) error {
	const shown = 60
	return &fault.Invalid{
		Reason: fmt.Sprintf("the input is not the Language Server Protocol: %q", display.Short(text, shown)),
		Remedy: "let an editor start pipe lsp; pipelines/editors.md shows how",
	}
}

func (s *stream) read() (message, error) {
	var m message
	length := -1
	for {
		line, err := s.in.ReadSlice('\n')
		text := strings.TrimSpace(string(line))
		name, value, isHeader := strings.Cut(text, ":")
		switch {
		case text != "" && !isHeader, strings.ContainsAny(name, " {[\""), errors.Is(err, bufio.ErrBufferFull):
			return m, notProtocol(text)
		case err != nil:
			return m, err
		}
		if text == "" {
			break
		}
		if strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 {
				return m, notProtocol(text)
			}
		}
	}
	switch {
	case length < 0:
		return m, notProtocol("a message without Content-Length")
	case length > maxMessage:
		if _, err := io.CopyN(io.Discard, s.in, int64(length)); err != nil {
			return m, err
		}
		return m, errTooLarge
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(s.in, body); err != nil {
		return m, err
	}
	if err := codec.Unmarshal(body, &m); err != nil {
		return message{}, errNotJSON
	}
	return m, nil
}

func (s *stream) write(v any) error {
	body, err := codec.Marshal(v)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = fmt.Fprintf(s.out, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return err
}

func (s *stream) reply(id raw, result any, wrong *responseError) error {
	if wrong != nil {
		return s.write(struct {
			Version string         `json:"jsonrpc"`
			ID      raw            `json:"id"`
			Error   *responseError `json:"error"`
		}{"2.0", id, wrong})
	}
	return s.write(struct {
		Version string `json:"jsonrpc"`
		ID      raw    `json:"id"`
		Result  any    `json:"result"`
	}{"2.0", id, result})
}

func (s *stream) notify(method string, params any) error {
	return s.write(struct {
		Version string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
	}{"2.0", method, params})
}
