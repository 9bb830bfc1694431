// Package reminders is the domain of efterkurs and its clockwork: who is to be told what and when, and
// what has become of it. It imports no SQL, no HTTP and no provider; what it needs of them it declares
// as small interfaces (Store, Desk).
//
// Every text that leaves is a row first, with a key that says what it is for (Subject, Step), and
// lives like this:
//
//	planned ─▶ claimed ─▶ sending ─▶ accepted ─▶ sent ─▶ delivered | undelivered | failed
//	   │          │ lease over: planned   └─▶ unknown ─▶ accepted (a callback, or the provider's own list)
//	   │          │                                  ├─▶ planned (proved unsent, or worth saying twice)
//	   │          │                                  └─▶ skipped
//	   └─▶ skipped: opted out | too late | paused | no address | superseded | …
//
// What always holds:
//
//  1. Every step of every enrolment ends as sent or as skipped with a reason, and is never sent twice.
//     Planning a step again finds its key taken; a worker sends only what it claimed; a claim that ran
//     out is taken back only while nothing was handed to a provider.
//  2. The intent (state sending, an open attempt) is committed before the provider is called. An outcome
//     nobody saw is unknown, and is never resent blindly.
//  3. Nobody who said STOP is written to: asked in the transaction that claims, and again in the one that
//     commits the intent. What people wrote while nobody listened is fetched before anything is claimed;
//     where that fails, the channel waits (sweep.go).
//  4. A provider's report only moves a message forward.
//  5. Instants come from the caller's clock, are stored in UTC, and all arithmetic in days is done on the
//     calendar of one zone.
//
// Engine.Tick runs the stages in order: replies, listen, plan, pair, claim and send, reconcile, rescue. Each is
// idempotent and safe beside other workers, so any worker may tick at any time and nobody leads.
package reminders
