package auth

import "testing"

// TestIsMetadata: link-local addresses and those of metadata servers, in each notation.
func TestIsMetadata(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0",
		"fd00:ec2::254", "100.100.100.200", "168.63.129.16", "metadata.google.internal", "Metadata.Google.Internal.",
		"metadata", "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254",
		"64:ff9b::6464:64c8", "::ffff:100.100.100.200"} {
		if !IsMetadata(host) {
			t.Errorf("%s is allowed", host)
		}
	}
	for _, host := range []string{"127.0.0.1", "::1", "::", "10.0.0.1", "169.253.169.254", "portal.example.com",
		"metadata.example.com", "64:ff9b::8.8.8.8", "2002:808:808::1", "fd00:ec2::253", "2001:db8::a9fe:a9fe"} {
		if IsMetadata(host) {
			t.Errorf("%s is refused", host)
		}
	}
}
