//go:build race

package reminders

const raceDetector = true
