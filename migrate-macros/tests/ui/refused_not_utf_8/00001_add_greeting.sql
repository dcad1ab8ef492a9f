-- +goose Up
INSERT INTO greetings VALUES ('grüße');
