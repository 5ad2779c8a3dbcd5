module baton.example/baton

go 1.26.0
