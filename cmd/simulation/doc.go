// Package simulation runs the whole program in virtual time, from one seed: workers and web servers on one database,
// a Twilio that misbehaves, people who write, and a clock. It holds tests only.
//
//	go test ./cmd/simulation                                     a hundred seeds
//	EFTERKURS_TEST_SIZE=middle go test ./cmd/simulation          two thousand, as .ci/run
//	go test ./cmd/simulation -from 5001 -seeds 20000 -timeout 3h  some others
//	go test ./cmd/simulation -from 4711 -seeds 1 -v              one seed again, with its story
//
// Everything is the real thing but the wire: the store over SQLite, twilio-go, the adapter, the webhooks with their
// signatures, the provider's server (bot/providertest), called without sockets inside a testing/synctest bubble. Whatever could go
// on is stopped at a gate (gate.go): where a transaction begins, and where a request leaves. When nobody runs any
// more, the seed says who goes on, and what befalls them there: a process dies before or after a commit, before or
// after the provider took a text; an answer is lost, late, a 500; a text is refused, throttled, filtered; a
// callback comes twice, late, out of order or not at all; a webhook never comes.
//
// When the story is over, the faults end and the clockwork has time to settle. Then the rules are checked (rules.go)
// against what the provider has and what the database says, and nothing else.
package simulation
