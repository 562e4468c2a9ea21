//go:build backstage

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/pipe/cli"
	"github.com/pipe-engine/pipe/engine/job"
)

// TestRealBackstageLogin: a person signs in at a real OpenID provider and reads the catalog of a
// real Backstage; two runs at once share the sign-in, which the provider rotates.
func TestRealBackstageLogin(t *testing.T) {
	r := realBackstage(t, "BACKSTAGE_TOKEN")
	id := startIdentity(t, r)
	text := read(t, edited(t, "url: ${BACKSTAGE_BASE_URL}\n", "url: "+r.url+"\n", "token: ${BACKSTAGE_API_TOKEN:-}\n",
		"auth:\n      - oauth2:\n          issuer: "+id.issuer+"\n          client_id: pipe-cli\n"+
			"          refresh_token: ${secret:portal-login}\n          scope: openid offline_access catalog\n"+
			"          resource: "+os.Getenv("IDENTITY_AUDIENCE")+"\n"))
	text, place := storeOf(t, text+"\nsecrets:\n  store: {file: secrets.age, identity: '${file:secrets.key}'}\n")
	file := write(t, "pipeline.yaml", text)

	refused := signInReal(t, r.env, file, "abort")
	refused.expect(t, int(job.Failed), "the sign-in was refused", "access_denied")
	signInReal(t, r.env, file, "confirm").expect(t, 0, "portal-login, for "+id.issuer)
	first, err := place.Get("portal-login")
	if err != nil {
		t.Fatal(err)
	}

	pipe(t, r.env, "run", "--full", file).expect(t, int(job.Wrong), "in a terminal only")
	var both sync.WaitGroup
	for i := range 2 {
		env := map[string]string{}
		for name, value := range r.env {
			env[name] = value
		}
		env["XDG_STATE_HOME"] = t.TempDir()
		both.Go(func() {
			c := attended(t, env, "run", "--dry-run", "--log-level", "debug", file)
			if c.code != int(job.Done) || anyJWT.MatchString(c.both()) || strings.Contains(c.both(), first.Text) {
				t.Errorf("run %d: exit %d\n%s", i, c.code, c.both())
			}
		})
	}
	both.Wait()
	last, err := place.Get("portal-login")
	if err != nil || last.Text == first.Text {
		t.Errorf("the provider has rotated the refresh token, and the store has the first one: %v", err)
	}
	attended(t, r.env, "doctor", file).expect(t, 0)

	// The provider takes a refresh token once: using the first one again withdraws the sign-in.
	if _, err := place.Set("portal-login", first.Text, nil, false); err != nil {
		t.Fatal(err)
	}
	attended(t, r.env, "doctor", file).expect(t, int(job.Failed), "the sign-in has expired or was withdrawn",
		"pipe login ")
	if _, err := place.Set("portal-login", last.Text, nil, false); err != nil {
		t.Fatal(err)
	}
	attended(t, r.env, "run", file).expect(t, int(job.Failed), "the sign-in has expired or was withdrawn", "pipe login ")
}

// signInReal runs pipe login and opens the address that it prints, as a person does who
// confirms the code or aborts.
func signInReal(t *testing.T, env map[string]string, file, answer string) call {
	t.Helper()
	shown, errs := io.Pipe()
	var out, said strings.Builder
	address := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		buffer := make([]byte, 4096)
		for {
			n, err := shown.Read(buffer)
			said.Write(buffer[:n])
			if m := completeAddress.FindString(said.String()); m != "" {
				select {
				case address <- m:
				default:
				}
			}
			if err != nil {
				return
			}
		}
	}()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(t.Context(), cli.Host{Registry: components.Registry(), Args: []string{"pipe", "login", file},
			Env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: errs, Width: oneLine, Person: true})
	}()
	select {
	case at := <-address:
		if err := browse(t, at, answer); err != nil {
			t.Error(err)
		}
	case code := <-ended:
		_ = errs.Close()
		<-read
		t.Fatalf("exit %d\n%s", code, said.String())
	case <-time.After(patience):
		t.Fatal("pipe login prints no address")
	}
	code := <-ended
	_ = errs.Close()
	<-read
	return call{code, out.String(), said.String()}
}

var (
	completeAddress = regexp.MustCompile(`http://\S+user_code=[A-Z-]{9}\n`)
	formAction      = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	abortLink       = regexp.MustCompile(`href="([^"]+/abort)"`)
	formInput       = regexp.MustCompile(`<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"`)
)

// browse opens an address and sends each form that comes back, with what a person types.
func browse(t *testing.T, address, answer string) error {
	t.Helper()
	return browseAs(newVisitor(t).http, address, "ann", answer)
}

// browseAs opens an address as a person.
func browseAs(client *http.Client, address, person, answer string) error {
	at, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return err
	}
	resp, err := client.Get(at.String())
	aborted := false
	for step := 0; ; step++ {
		if err != nil {
			return err
		}
		page, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		action := formAction.FindSubmatch(page)
		if aborted {
			return nil
		}
		if action == nil {
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s answers %d: %s", resp.Request.URL, resp.StatusCode, page)
			}
			return nil
		}
		if m := abortLink.FindSubmatch(page); m != nil && answer == "abort" {
			to, err := resp.Request.URL.Parse(string(m[1]))
			if err != nil {
				return err
			}
			aborted = true
			if resp, err = client.Get(to.String()); err != nil {
				return err
			}
			continue
		}
		form := url.Values{}
		for _, input := range formInput.FindAllSubmatch(page, -1) {
			form.Set(string(input[1]), string(input[2]))
		}
		switch {
		case form.Get("confirm") != "" && answer == "abort":
			form.Del("confirm")
			form.Set("abort", "yes")
			aborted = true
		case form.Get("prompt") == "login":
			form.Set("login", person)
			form.Set("password", "any")
		}
		if step > 10 {
			return fmt.Errorf("%s shows one form after another: %s", resp.Request.URL, page)
		}
		to, err := resp.Request.URL.Parse(string(action[1]))
		if err != nil {
			return err
		}
		if resp, err = client.PostForm(to.String(), form); err != nil {
			return err
		}
	}
}
