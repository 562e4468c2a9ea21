package api

import (
	"fmt"
	"io"
	"net/http"

	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/serve/signin"
)

// maxWebhook is the maximum number of bytes of a webhook.
const maxWebhook = 10 << 20

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
	header := req.Header.Get(signin.SignatureHeader)
	if header == "" {
		return http.StatusUnauthorized, unsigned, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxWebhook))
	if err != nil {
		return 0, nil, err
	}
	if signed, err := a.hooks.Signed(header, body); err != nil {
		return 0, nil, err
	} else if !signed {
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
	act := history.Action{At: a.server.Now(), Who: serve.ByWebhook, Action: "trigger", Pipeline: p.Name}
	if err := a.server.History.Act(req.Context(), act); err != nil {
		return 0, nil, fmt.Errorf("a webhook: %w", err)
	}
	t, err := p.Trigger(serve.Request{By: serve.ByWebhook, How: serve.ByWebhook, Changed: true})
	return http.StatusAccepted, t, err
}
