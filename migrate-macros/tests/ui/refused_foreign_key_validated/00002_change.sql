-- +goose Up
ALTER TABLE plans ADD CONSTRAINT plans_owner_fkey FOREIGN KEY (owner) REFERENCES users (id);

-- +goose Down
ALTER TABLE plans DROP CONSTRAINT plans_owner_fkey;
