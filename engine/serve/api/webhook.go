package api

import (
	"net/http"
	"sync"

	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// maxWebhook is the maximum number of bytes of a webhook.
const maxWebhook = 10 << 20

// mostWebhooks is how many webhooks are read at once, and mostOfSender how many of them from one
// address: a sender of slow bodies does not keep the others out.
const (
	mostWebhooks = 128
	mostOfSender = 16
)

// readings counts the webhooks that are being read, by the address of their sender.
type readings struct {
	mu    sync.Mutex
	total int
	of    map[string]int
}

// begin reports whether one more may be read; end must be called then.
func (r *readings) begin(address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total >= mostWebhooks || r.of[address] >= mostOfSender {
		return false
	}
	if r.of == nil {
		r.of = map[string]int{}
	}
	r.total++
	r.of[address]++
	return true
}

func (r *readings) end(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total--
	if r.of[address]--; r.of[address] == 0 {
		delete(r.of, address)
	}
}

// webhook asks for a run when a webhook is signed. What its body says is not looked at: the run
// reads the source. A webhook that is sent twice asks for one more run.
func (a *API) webhook(w http.ResponseWriter, req *http.Request) {
	status, answer, err := a.signed(w, req)
	if err != nil {
		status, answer = a.failed(err)
	}
	a.write(w, status, answer)
}

func (a *API) signed(w http.ResponseWriter, req *http.Request) (int, any, error) {
	unsigned := newProblem("unauthorized", "the signature is missing or wrong",
		"send "+signin.SignatureHeader+": sha256=HEX, the HMAC of the body with the secret of --webhook-secret-file")
	address := a.client(req)
	if !a.readings.begin(address) {
		w.Header().Set("Retry-After", "1")
		return http.StatusTooManyRequests, newProblem("too_many",
			"too many webhooks arrive at once", "send it again later"), nil
	}
	signed, err := a.hooks.Signed(req.Header.Get(signin.SignatureHeader), http.MaxBytesReader(w, req.Body, maxWebhook))
	a.readings.end(address)
	if err != nil {
		return 0, nil, err
	}
	if !signed {
		return http.StatusUnauthorized, unsigned, nil
	}
	p := a.server.Pipeline(req.PathValue("pipeline"))
	if p == nil {
		return http.StatusNotFound, newProblem("not_found",
			"there is no pipeline "+short(req.PathValue("pipeline")), ""), nil
	}
	if req.Header.Get("X-GitHub-Event") == "ping" { // GitHub sends one when the webhook is set up
		return http.StatusOK, map[string]any{}, nil
	}
	hook := ask.Caller{Server: a.server, Pipeline: p, Who: &signin.Principal{Name: serve.ByWebhook}}
	var t serve.Ticket
	err = hook.Do(req.Context(), ask.Entry{Action: ask.Trigger}, func() (err error) {
		t, err = p.Trigger(serve.Request{By: serve.ByWebhook, How: serve.ByWebhook, Changed: true})
		return err
	})
	return http.StatusAccepted, t, err
}
