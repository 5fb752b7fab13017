package ops

import (
	"context"
	"time"

	"github.com/djsess/djsess/djsession"
)

// checkDistinct returns an ErrSameStore if the source and the target are one store under two names, such as localhost and
// 127.0.0.1, or a link to a folder. In one store a session whose user logs out between the read and the insertion would
// be back: the look after it finds what was just inserted.
//
// URLs do not tell. So if the target has sessions of the source, checkDistinct stores an empty session in the target for a moment, under
// a key that nobody has, and looks for it in the source.
func (m *migration) checkDistinct(ctx context.Context) error {
	shares, err := m.targetShares(ctx)
	if err != nil || !shares {
		return err
	}
	settings := m.to.Settings()
	key := djsession.NewKey()
	probe, err := m.to.Create(ctx, key, nil, settings.Now().Add(time.Minute))
	if err != nil {
		m.to.Delete(ctx, key) // it may be stored, if the answer was lost
		return nil            // the first batch shows why, unless it is about empty sessions only
	}
	found, err := live(ctx, m.from, []string{probe.Key})
	if err := deleteUnchanged(context.WithoutCancel(ctx), m.to, probe); err != nil && !isAboutSession(err) {
		return err
	}
	if err == nil && found[0] {
		err = ErrSameStore
	}
	return err
}

// targetShares reports whether the target has one of the newest sessions of the source.
func (m *migration) targetShares(ctx context.Context) (bool, error) {
	const sample = 20
	var keys []string
	for r, err := range m.pass.scanner.Scan(ctx, djsession.Range{Newest: sample}) {
		if r == nil {
			return false, err
		}
		if r.Key != "" {
			keys = append(keys, r.Key)
		}
		if len(keys) == sample {
			break
		}
	}
	there, err := live(ctx, m.to, keys)
	for _, is := range there {
		if is {
			return true, err
		}
	}
	return false, err
}
