package storeurl

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// redisTLS takes redis-py's options for TLS.
func (u *storeURL) redisTLS() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	// A client's "optional" means the same as "required".
	verify, err := choice(u, "ssl_cert_reqs", map[string]bool{"": true, "required": true, "optional": true, "none": false})
	if err != nil {
		return nil, err
	}
	checkHostname := !slices.Contains([]string{"0", "F", "FALSE", "N", "NO"}, strings.ToUpper(u.take("ssl_check_hostname")))
	config.InsecureSkipVerify = !verify
	if verify && !checkHostname {
		ignoreHostname(config)
	}
	if file := u.take("ssl_ca_certs"); file != "" {
		if config.RootCAs, err = certificates("ssl_ca_certs", file); err != nil {
			return nil, err
		}
	}
	certificate, key := u.take("ssl_certfile"), u.take("ssl_keyfile")
	switch {
	case certificate == "" && key == "":
		return config, nil
	case certificate == "":
		return nil, errors.New("ssl_keyfile: ssl_certfile is missing")
	case key == "":
		key = certificate // one file may hold both
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("ssl_certfile: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// mysqlTLS takes the options for TLS of dj-database-url and mysqlclient. It returns a configuration,
// or a word for the driver's option tls.
func (u *storeURL) mysqlTLS() (*tls.Config, string, error) {
	file := u.take("ssl-ca")
	const off, ifOffered, unverified, chain, all = "DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"
	mode, err := choice(u, "ssl_mode", map[string]string{"": "", off: off, ifOffered: ifOffered, unverified: unverified, chain: chain, all: all})
	if err != nil {
		return nil, "", err
	}
	if u.options.Has("tls") && (file != "" || mode != "") {
		return nil, "", errors.New("tls and ssl-ca or ssl_mode mean the same: give only one of them")
	}
	switch mode {
	case off:
		return nil, "false", nil
	case ifOffered:
		return nil, "preferred", nil
	case unverified:
		return nil, "skip-verify", nil
	case "":
		if file == "" {
			return nil, "", nil
		}
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file != "" {
		if config.RootCAs, err = certificates("ssl-ca", file); err != nil {
			return nil, "", err
		}
	}
	if mode == chain {
		ignoreHostname(config)
	} else if !strings.HasPrefix(u.hosts[0].name, "/") {
		config.ServerName = cmp.Or(u.hosts[0].name, "localhost")
	}
	return config, "", nil
}

// certificates reads the file of the certificates that an option trusts.
func certificates(option, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", option, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in %s", option, file)
	}
	return pool, nil
}

// ignoreHostname makes a configuration accept a certificate for any host that a trusted authority
// has signed.
func ignoreHostname(config *tls.Config) {
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(s tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: config.RootCAs, Intermediates: x509.NewCertPool()}
		for _, certificate := range s.PeerCertificates[1:] {
			options.Intermediates.AddCert(certificate)
		}
		_, err := s.PeerCertificates[0].Verify(options)
		return err
	}
}
