package connection

import (
	"fmt"
	"time"

	"github.com/pipe-engine/pipe/engine/config"
)

// codeTokenExpires is the code of the warning below.
const codeTokenExpires = "token-expires"

// expiryNotice is how long before token_expires the warnings begin.
const expiryNotice = 30 * 24 * time.Hour

var _ config.Cautioner = Config{}

// Caution warns of a token that expires within 30 days, or has expired.
func (c Config) Caution(report func(field, code, message, hint string)) {
	if message := expiry(c.Expires(), time.Now()); message != "" {
		report("token_expires", codeTokenExpires, message, "create a new token, and update token_expires")
	}
}

// Expires returns the day of token_expires in UTC, the zero time when it is not set.
func (c Config) Expires() time.Time { return c.TokenExpires.Time() }

// expiry is the warning of a token that expires at a time, "" while that is more than 30
// days away or not known.
func expiry(at, now time.Time) string {
	days := int(at.Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	date := at.Format(time.DateOnly)
	switch {
	case at.IsZero() || at.Sub(now) > expiryNotice:
		return ""
	case days < 0:
		return "the token expired on " + date
	case days == 0:
		return "the token expires today, " + date
	case days == 1:
		return "the token expires tomorrow, " + date
	}
	return fmt.Sprintf("the token expires on %s, in %d days", date, days)
}
