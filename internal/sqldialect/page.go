package sqldialect

// A table is read in pages of as many rows as make a few hundred kilobytes.
const (
	FirstPage   = 32
	largestPage = 500
	smallBytes  = 256 << 10
	largeBytes  = 4 << 20
)

// NextPage is how many rows to read after a page of so many rows and bytes.
func NextPage(rows, bytes int) int {
	switch {
	case bytes < smallBytes:
		return min(rows*4, largestPage)
	case bytes > largeBytes:
		return max(rows/8, 1)
	}
	return rows
}
