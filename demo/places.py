"""Where the demo's folders, addresses and tokens stand below the state folder."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from demo.drop.forms import content_of
from demo.plan import SECOND
from demo.shop import Shop
from etl.errors import ConfigError
from etl.settings import Settings

ADDRESSES = ("analytics_url", "drop_url", "rates_url")


@dataclass(frozen=True)
class Places:
    """The demo's part of a state folder; what the settings name elsewhere is never touched."""

    settings: Settings

    @property
    def drop(self) -> Path:
        """Folder of the stores' counts."""
        return self.settings.state_dir.resolve() / "drop"

    @property
    def rates(self) -> Path:
        """Folder of the exchange rates."""
        return self.settings.state_dir.resolve() / "rates"

    def is_ours(self, address: str) -> bool:
        """True unless the environment names another place; ``address`` is one of ``ADDRESSES``."""
        found = self.settings.secret(address)
        return found is None or found.get_secret_value() == self.secret(address)

    def check_ours(self) -> None:
        """Raise when the environment names another place.

        Raises:
            ConfigError: With the variables that do.
        """
        named = [f"ETL_{name.upper()}" for name in ADDRESSES if not self.is_ours(name)]
        if named:
            raise ConfigError(
                f"{', '.join(named)} name{'s' * (len(named) == 1)} a place that is not the demo's.",
                "Unset them for the demo, which brings what it reads; a real shop needs no 'make demo'.",
            )

    def secret(self, name: str) -> str | None:
        """What the demo has left under a name; None for nothing."""
        file = self._secrets / name
        return file.read_text(encoding="utf-8").strip() if file.is_file() else None

    def keep_secret(self, name: str, value: str | None) -> None:
        """Leave a value where ``Settings.secret`` finds it, for the owner's eyes only; None takes it away."""
        self._secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._secrets / name
        if value is None:
            file.unlink(missing_ok=True)
            return
        part = file.with_name(f".{name}.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
            target.write(f"{value}\n")
        part.replace(file)

    def token(self) -> str:
        """The token of the web analytics, made where there is none."""
        if self.secret("analytics_token") is None:
            self.keep_secret("analytics_token", secrets.token_urlsafe(32))
        return self.secret("analytics_token") or ""

    def clear(self) -> None:
        """Remove the files of a shop that was there before."""
        for folder in (self.drop, self.rates):
            shutil.rmtree(folder, ignore_errors=True)

    def deliver(self, shop: Shop, up_to_day: int) -> None:
        """Write the files of all days up to ``up_to_day`` that are not there yet."""
        if self.is_ours("drop_url"):
            for file in shop.drop.known(up_to_day):
                target = self.drop / file.name
                if not target.exists():
                    _write(target, content_of(file), max(file.exported_at, shop.plan.start_of(file.day)))
            self.keep_secret("drop_url", str(self.drop))
        if self.is_ours("rates_url"):
            for day in range(up_to_day + 1):
                published = shop.rates.file(day)
                if published and not (self.rates / published[0]).exists():
                    _write(self.rates / published[0], published[1], shop.plan.end_of(day) - SECOND)
            self.keep_secret("rates_url", str(self.rates))

    @property
    def _secrets(self) -> Path:
        return self.settings.state_dir / "secrets"


def _write(target: Path, content: bytes, at: int) -> None:
    """Write a file that is whole as soon as it has its name, with the time of the shop's own clock."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(content)
    os.utime(part, (at / SECOND, at / SECOND))
    part.replace(target)
