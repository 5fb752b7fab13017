package sendonce

// Batch is requests that are sent together, each of which changes something. Each has an outcome
// of its own: the connection may break after some of the answers.
type Batch[R any] struct {
	// Send sends requests, and returns the answer or the error of each.
	Send func(requests []R) []error
	// IsAnswer and IsLost are those of Request.
	IsAnswer, IsLost func(err error) bool
	// Repeat reports whether to send a request again after a failed attempt, as
	// Request.Repeat does. It does not wait.
	Repeat func(request R, err error, lost bool) bool
	// Wait waits after a failed attempt, before requests are sent again. It returns false if
	// they are not to be sent.
	Wait func(attempt int) bool
}

// Do sends requests. Then it calls report with the result of each, which is the result that
// Request.Do would return.
func (b Batch[R]) Do(requests []R, report func(request R, lost bool, err error)) {
	outcomes := make([]outcome, len(requests))
	numbers := make([]int, len(requests)) // of the requests to send
	for i := range numbers {
		numbers[i] = i
	}
	sent := requests
	for attempt := 1; len(sent) > 0; attempt++ {
		var again []R
		var againNumbers []int
		for i, err := range b.Send(sent) {
			o := &outcomes[numbers[i]]
			if lost := o.add(err, b.IsAnswer, b.IsLost); !o.answered && b.Repeat(sent[i], err, lost) {
				again, againNumbers = append(again, sent[i]), append(againNumbers, numbers[i])
			}
		}
		if sent, numbers = again, againNumbers; attempt == attempts || len(sent) > 0 && !b.Wait(attempt) {
			break
		}
	}
	for i, request := range requests {
		lost, err := outcomes[i].result()
		report(request, lost, err)
	}
}
