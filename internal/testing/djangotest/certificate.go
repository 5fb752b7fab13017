package djangotest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate is a server's certificate for localhost, and the authority that signed it, valid for a day.
type certificate struct {
	caFile        string
	client        *tls.Config
	ca, cert, key []byte // PEM
}

func newCertificate(t testing.TB) certificate {
	t.Helper()
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "djangotest authority"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	ca, caKey := sign(t, authority, authority, nil)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    authority.NotBefore,
		NotAfter:     authority.NotAfter,
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.ParseIP(localhost)},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, key := sign(t, leaf, ca, caKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}

	c := certificate{
		caFile: filepath.Join(t.TempDir(), "ca.pem"),
		ca:     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}),
		cert:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
		key:    pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		client: &tls.Config{RootCAs: x509.NewCertPool(), ServerName: localhost},
	}
	c.client.RootCAs.AddCert(ca)
	if err := os.WriteFile(c.caFile, c.ca, 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

// sign makes a key and its certificate. It is signed with the parent's key, or with its own if the parent is nil.
func sign(t testing.TB, template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parentKey == nil {
		parentKey = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// install writes the certificate into a Redis server's folder and returns the lines of redis.conf that name it. The key is
// readable by all users, since the server runs as another one.
func (c certificate) install(dir string) []string {
	var lines []string
	for name, text := range map[string][]byte{"tls-ca-cert-file": c.ca, "tls-cert-file": c.cert, "tls-key-file": c.key} {
		file := filepath.Join(dir, name+".pem")
		os.WriteFile(file, text, 0o644) // If that fails, the server says so.
		lines = append(lines, name+" "+file)
	}
	return lines
}
