package aws

import (
	"regexp"

	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/connection/auth"
)

// Config is what a user writes below secrets.aws.
type Config struct {
	Region     string           `yaml:"region" doc:"The region of the secrets. Without it that of AWS_REGION or the profile."`
	AssumeRole *auth.AssumeRole `yaml:"assume_role" doc:"A role to assume with the credentials, and to read with."`
	Proxy      connection.Proxy `yaml:"proxy" doc:"The proxy: its address, or url, username and password below it. none uses no proxy. Without it HTTPS_PROXY and NO_PROXY apply."`
	TLS        connection.TLS   `yaml:"tls" doc:"How AWS is known, for a network that inspects TLS."`
}

// codeSecret is the code of the problems below.
const codeSecret = "secret"

var _ config.Validator = Config{}

// region is what can be a part of a host name.
var region = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`)

// Validate reports what is not the name of a region.
func (c Config) Validate(report func(field, code, message, hint string)) {
	if c.Region != "" && !region.MatchString(c.Region) {
		report("region", codeSecret, "not the name of a region", "write it as eu-west-1")
	}
}
