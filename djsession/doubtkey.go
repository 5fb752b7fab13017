package djsession

import "github.com/djsess/djsess/signing"

// What is stored while nobody knows whether the store is the site's must not show later
// that it is, to this process or another. Where sessions can be enumerated nothing is
// stored then. Elsewhere, as in Memcached, such a session gets a key whose end is
// computed from the rest: to Django and to everybody else it is as random as any.

const (
	doubtSalt = "djsess.session_stored_in_doubt"
	doubtMark = 8 // characters; those that are left are random enough
)

// newKey is a key for a new session; empty lets the store choose one.
func (m *Manager) newKey() string {
	if _, ok := m.store.(Scanner); !ok || m.AcceptEmptyStore || m.trust.known.Load() {
		return "" // a store without Scanner makes its keys of what they hold: a signature shows whose it is
	}
	random := NewKey()[:newKeyLength-doubtMark]
	return random + m.markOfDoubt(random)
}

// storedInDoubt tells whether newKey made the key.
func (m *Manager) storedInDoubt(key string) bool {
	const random = newKeyLength - doubtMark
	return len(key) == newKeyLength && key[random:] == m.markOfDoubt(key[:random])
}

func (m *Manager) markOfDoubt(random string) string {
	mac, err := signing.SaltedHMAC(doubtSalt, random, m.settings.SecretKey, signing.SHA256)
	if err != nil {
		panic(err) // SHA256 is there
	}
	mark := make([]byte, doubtMark)
	for i := range mark {
		mark[i] = newKeyAlphabet[int(mac[i])%len(newKeyAlphabet)]
	}
	return string(mark)
}
