"""What an item is to the model."""

from lgsid_sasrec.inputs.id_inputs import IDInputs
from lgsid_sasrec.inputs.item_inputs import ItemInputs
from lgsid_sasrec.inputs.sid_inputs import SIDInputs
from lgsid_sasrec.inputs.summed_inputs import SummedInputs

__all__ = ["IDInputs", "ItemInputs", "SIDInputs", "SummedInputs"]
