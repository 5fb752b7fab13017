package cachestore

import "time"

// Never is Item.Expires of an item without an end, Django's timeout None. It is
// filestore's, too.
var Never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
