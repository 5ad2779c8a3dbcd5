-- +goose Up

ALTER TABLE runners ADD COLUMN token_rotation_deadline TIMESTAMP; -- after it no token is replaced; NULL for none
