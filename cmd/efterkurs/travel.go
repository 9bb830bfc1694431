package main

import (
	"context"
	"sync/atomic"
	"time"
)

// settingTravel holds how far the last `tick --as-of` was from the wall clock.
const settingTravel = "as-of-offset"

// keepTravel remembers the time of a tick --as-of, and that it is over with the first tick of the wall
// clock. Whoever winds an installation by --as-of also has it answer webhooks by `serve --no-worker`: a
// reply is then taken in at the time the programme has come to, not months before or after it.
func (a *app) keepTravel(ctx context.Context, travelling bool) error {
	offset := ""
	if travelling {
		offset = time.Until(a.now()).Round(time.Millisecond).String()
	} else if kept, err := a.store.Setting(ctx, settingTravel); err != nil || kept == "" {
		return err
	}
	return a.store.SetSetting(ctx, settingTravel, offset)
}

// traveller is a clock that follows the last `tick --as-of`. It is only used where no configured channel
// reaches anybody but this machine.
type traveller struct{ offset atomic.Int64 }

func (t *traveller) now() time.Time { return time.Now().Add(time.Duration(t.offset.Load())) }

// refresh asks the database where the last tick was.
func (t *traveller) refresh(ctx context.Context, a *app) error {
	kept, err := a.store.Setting(ctx, settingTravel)
	if err != nil {
		return err
	}
	var offset time.Duration
	if kept != "" {
		if offset, err = time.ParseDuration(kept); err != nil {
			return err
		}
	}
	t.offset.Store(int64(offset))
	return nil
}

// openTravelling is open with a clock that follows the last `tick --as-of`, where no channel is a real one.
func (p *program) openTravelling(ctx context.Context, patience time.Duration) (*app, error) {
	cfg, err := loadConfig(p.env)
	if err != nil {
		return nil, err
	}
	t := &traveller{}
	a, err := p.openWith(ctx, cfg, t.now, patience)
	if err != nil || len(cfg.outside()) > 0 {
		return a, err
	}
	return a, t.refresh(ctx, a)
}
