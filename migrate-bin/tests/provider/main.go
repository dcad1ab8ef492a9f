// Applies a folder as an application does that has goose as a library: with one of its two lockers.
//
//	provider DSN FOLDER session|table
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

func locked(kind string) (goose.ProviderOption, error) {
	if kind == "session" {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
		return goose.WithSessionLocker(locker), err
	}
	locker, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(100*time.Millisecond, 1200))
	return goose.WithLocker(locker), err
}

func run() error {
	db, err := sql.Open("pgx", os.Args[1])
	if err != nil {
		return err
	}
	defer db.Close()
	option, err := locked(os.Args[3])
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS(os.Args[2]), option)
	if err != nil {
		return err
	}
	results, err := provider.Up(context.Background())
	fmt.Println(len(results))
	return err
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
