package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// health asks the server on LISTEN_ADDR whether it is alive: the health check of an image without a shell.
func (p *program) health() *cobra.Command {
	return &cobra.Command{Use: "health", Short: "Ask the running server whether it is alive", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(p.env)
			if err != nil {
				return err
			}
			host, port, err := net.SplitHostPort(cfg.ListenAddr)
			if err != nil {
				return invalid("LISTEN_ADDR %q is not an address", cfg.ListenAddr)
			}
			if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
				host = "127.0.0.1"
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 4*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
			if err != nil {
				return err
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return fmt.Errorf("nothing answers on %s", cfg.ListenAddr)
			}
			defer res.Body.Close() // nothing is read of it
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("the server on %s answers %s", cfg.ListenAddr, res.Status)
			}
			_, err = fmt.Fprintln(p.stdout, "ok")
			return err
		}}
}
