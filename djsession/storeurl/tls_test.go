package storeurl

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the options for TLS make of a server's certificate: whether its authority and its host are
// checked.
func TestCertificateChecks(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil) // its certificate is for 127.0.0.1 and example.com
	defer server.Close()
	address := server.Listener.Addr().String()
	trusted := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		url    string
		accept bool
	}{
		{"mysql://u@example.com/db?ssl-ca=TRUSTED", true},
		{"mysql://u@other.invalid/db?ssl-ca=TRUSTED", false},
		{"mysql://u@other.invalid/db?ssl-ca=TRUSTED&ssl_mode=VERIFY_IDENTITY", false},
		{"mysql://u@other.invalid/db?ssl-ca=TRUSTED&ssl_mode=VERIFY_CA", true},
		{"mysql://u@example.com/db?ssl_mode=VERIFY_CA", false},
		{"mysql://u@example.com/db?ssl_mode=VERIFY_IDENTITY", false},
		{"rediss://example.com?ssl_ca_certs=TRUSTED", true},
		{"rediss://other.invalid?ssl_ca_certs=TRUSTED", false},
		{"rediss://other.invalid?ssl_ca_certs=TRUSTED&ssl_check_hostname=false", true},
		{"rediss://example.com?ssl_check_hostname=false", false},
		{"rediss://other.invalid?ssl_cert_reqs=none", true},
		{"rediss://other.invalid?ssl_cert_reqs=optional&ssl_ca_certs=TRUSTED", false},
	} {
		u, err := parse(strings.Replace(test.url, "TRUSTED", trusted, 1))
		if err != nil {
			t.Fatal(err)
		}
		var config *tls.Config
		if u.scheme == "mysql" {
			config, _, err = u.mysqlTLS()
		} else {
			config, err = u.redisTLS()
		}
		if err != nil {
			t.Fatal(err)
		}
		config.ServerName = u.hosts[0].name
		conn, err := tls.Dial("tcp", address, config)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != test.accept {
			t.Errorf("%s: %v", test.url, err)
		}
	}
	for mode, want := range map[string]string{"DISABLED": "false", "PREFERRED": "preferred", "REQUIRED": "skip-verify"} {
		u, err := parse("mysql://u@h/db?ssl_mode=" + mode)
		if err != nil {
			t.Fatal(err)
		}
		config, err := u.mysqlConfig()
		if err != nil || config.TLSConfig != want {
			t.Errorf("ssl_mode %s: tls=%s, %v", mode, config.TLSConfig, err)
		}
	}
}
