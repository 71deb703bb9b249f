"""The centre of docker/, built from nothing, used and broken: `make docker-test`. Not part of `make test`."""
