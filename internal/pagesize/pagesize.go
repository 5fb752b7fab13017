// Package pagesize chooses how many sessions a scan reads at once. A page should be a few hundred
// kilobytes, whatever the size of a session.
package pagesize

// First is the size of the first page, in sessions.
const First = 32

const (
	largest = 500 // sessions

	fewBytes  = 256 << 10
	manyBytes = 4 << 20
)

// Next returns the size of the page that follows a page of this size and this many bytes.
func Next(size, bytes int) int {
	switch {
	case bytes < fewBytes:
		return min(size*4, largest)
	case bytes > manyBytes:
		return max(size/8, 1)
	}
	return size
}
