"""The bases of all models: what comes in is strict, what goes out is read off the hub's own objects."""

from pydantic import BaseModel, ConfigDict


class Out(BaseModel):
    """An answer: `Model.model_validate(object)` takes the attributes of the same names."""

    model_config = ConfigDict(from_attributes=True)


class In(BaseModel):
    """A request body: unknown keys are refused, and no value is taken for another kind than it is."""

    model_config = ConfigDict(extra="forbid", strict=True)
