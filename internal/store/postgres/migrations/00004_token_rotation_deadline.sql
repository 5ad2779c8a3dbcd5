-- +goose Up

ALTER TABLE runners ADD COLUMN token_rotation_deadline TIMESTAMPTZ; -- after it no token is replaced; NULL for none
