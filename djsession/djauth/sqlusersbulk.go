package djauth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

var _ BulkUsers = (*SQLUsers)(nil)

// usersInQuery is how many users one query reads.
const usersInQuery = 100

// UsersByID reads users by their primary keys, a hundred in a query.
func (u *SQLUsers) UsersByID(ctx context.Context, ids []string) (map[string]*User, error) {
	users := make(map[string]*User, len(ids))
	for some := range slices.Chunk(ids, usersInQuery) {
		if err := u.readUsers(ctx, some, users); err != nil {
			return nil, fmt.Errorf("users: %w", err)
		}
	}
	if u.model.PrimaryKey != Text {
		return users, nil
	}
	// Most of MySQL's collations find the user "Zoe" by the key "zoe", and Django accepts that.
	for _, id := range ids {
		if users[id] != nil {
			continue
		}
		user, err := u.User(ctx, id)
		switch {
		case err == nil:
			users[id] = user
		case !errors.Is(err, ErrNoUser):
			return nil, err
		}
	}
	return users, nil
}

// readUsers runs one query. The last primary key stands for those that are missing to a full query.
func (u *SQLUsers) readUsers(ctx context.Context, ids []string, users map[string]*User) error {
	ctx, cancel := waitlimit.Context(ctx, waitlimit.Default)
	defer cancel()
	if err := u.locate(ctx); err != nil {
		return err
	}
	args := sqldialect.Args{}
	for i := range usersInQuery {
		args[fmt.Sprintf("key%d", i)] = u.keyParam(ids[min(i, len(ids)-1)])
	}
	rows, err := u.db.QueryContext(ctx, u.byIDs.SQL, u.byIDs.Bind(args)...)
	if err != nil {
		return u.explain(sqldialect.Ended(ctx, u.db, err))
	}
	defer rows.Close()
	for rows.Next() {
		row := u.newRow()
		if err := rows.Scan(row.dst(&u.model)...); err != nil {
			return err
		}
		user, err := u.user(row)
		if err != nil {
			return err
		}
		users[user.ID] = user
	}
	if err := rows.Err(); err != nil {
		return u.explain(sqldialect.Ended(ctx, u.db, err))
	}
	return nil
}
