import pytest

from lgsid.geo import FourierGeoEncoder, LocalMetresGeoEncoder, PlusCodeGeoEncoder
from lgsid.quantizers import (
    RQVAE,
    ClusterPull,
    CosineRQKMeans,
    EvenUse,
    LearnedCodebooks,
    LearnedRQVAE,
    ResidualCentroids,
    ResidualFSQ,
    ResidualVQ,
    RQKMeans,
)
from lgsid.testing import (
    CodebookLossContract,
    GeoEncoderContract,
    QuantizerContract,
    TokenizerContract,
    VisitSignalContract,
)
from lgsid.tokenizers import (
    CollaborativeTokenizer,
    CounterSuffix,
    CoVisitFactors,
    DualStreamTokenizer,
    FeatureTokenizer,
    GeoRotaryTokenizer,
    HashedAttributes,
    HierTokenizer,
    IdentitySuffix,
    NoResolution,
    PlainTokenizer,
    PrefixCodes,
    RandomTokenizer,
    ResidualTokenizer,
    VisitHours,
)


class TestResidualCentroids(QuantizerContract):
    def make(self):
        return ResidualCentroids((7, 5, 3))


class TestResidualCentroidsMoreCodesThanVectors(QuantizerContract):
    def make(self):
        return ResidualCentroids((90, 4))


class TestRQKMeans(QuantizerContract):
    def make(self):
        return RQKMeans((6,))


class TestResidualVQ(QuantizerContract):
    def make(self):
        return ResidualVQ((7, 5, 3, 2))


class TestRQVAE(QuantizerContract):
    def make(self):
        return RQVAE((7, 5), latent_dim=6, hidden_dims=(16,))


class TestResidualFSQ(QuantizerContract):
    def make(self):
        return ResidualFSQ((3, 4), n_levels=3)


class TestLearnedCodebooks(QuantizerContract):
    def make(self):
        return LearnedCodebooks((7, 5, 3), losses=[EvenUse(), ClusterPull(3)], loss_weights=[0.1, 0.01])


class TestLearnedCodebooksByCosine(QuantizerContract):
    def make(self):
        return LearnedCodebooks((7, 5, 3), cosine_levels=2)


class TestLearnedRQVAE(QuantizerContract):
    def make(self):
        return LearnedRQVAE((7, 5), latent_dim=6, hidden_dims=(16,), cosine_levels=1, losses=[EvenUse()])


class TestCosineRQKMeans(QuantizerContract):
    def make(self):
        return CosineRQKMeans((7, 5))


class TestFourierRandom(GeoEncoderContract):
    def make(self):
        return FourierGeoEncoder()


class TestFourierAxes(GeoEncoderContract):
    def make(self):
        return FourierGeoEncoder(min_wavelength_m=200.0, n_wavelengths=8, directions="axes")


class TestLocalMetres(GeoEncoderContract):
    def make(self):
        return LocalMetresGeoEncoder()


class TestPlusCodes(GeoEncoderContract):
    def make(self):
        return PlusCodeGeoEncoder()


class TestClusterPull(CodebookLossContract):
    def make(self):
        return ClusterPull(2)


class TestEvenUse(CodebookLossContract):
    def make(self):
        return EvenUse()


class TestVisitHours(VisitSignalContract):
    def make(self):
        return VisitHours()


class TestCoVisitFactors(VisitSignalContract):
    def make(self):
        return CoVisitFactors(4)


class TestHier(TokenizerContract):
    def make(self):
        return HierTokenizer((9, 5, 4))


class TestHierFourLevels(TokenizerContract):
    max_epochs = 1

    def make(self):
        return HierTokenizer((4, 3, 3, 2), RQKMeans(), LocalMetresGeoEncoder(), HashedAttributes())


class TestHierWithVectors(TokenizerContract):
    max_epochs = 1

    def make(self):
        return HierTokenizer((9, 5, 4), vector_weight=1.2)


class TestResidualWithSuffix(TokenizerContract):
    max_epochs = 1

    def make(self):
        return ResidualTokenizer((4, 3), ResidualVQ(), collisions=CounterSuffix())


class TestResidualUnresolved(TokenizerContract):
    unique = False

    def make(self):
        return ResidualTokenizer((4, 3), RQVAE(latent_dim=4, hidden_dims=(8,)), collisions=NoResolution())


class TestCollaborative(TokenizerContract):
    def make(self):
        quantizer = LearnedRQVAE(latent_dim=4, hidden_dims=(8,), losses=[ClusterPull(2)], loss_weights=[0.001])
        return CollaborativeTokenizer((9, 5, 4), quantizer, CoVisitFactors(4))


class TestFeature(TokenizerContract):
    def make(self):
        return FeatureTokenizer((9, 5, 4), LearnedRQVAE(latent_dim=4, hidden_dims=(8,), losses=[EvenUse()]))


class TestGeoRotary(TokenizerContract):
    max_epochs = 1

    def make(self):
        return GeoRotaryTokenizer((9, 5, 4))


class TestDualStream(TokenizerContract):
    max_epochs = 1

    def make(self):
        return DualStreamTokenizer((4, 3, 4, 3))


class TestSemanticAndIdentity(TokenizerContract):
    max_epochs = 1

    def make(self):
        quantizer = LearnedRQVAE(latent_dim=4, hidden_dims=(8,), cosine_levels=1)
        return ResidualTokenizer((5, 4), quantizer, collisions=IdentitySuffix())


class TestPrefixNgrams(TokenizerContract):
    max_epochs = 1

    def make(self):
        return ResidualTokenizer((5, 4, 4), RQKMeans(), collisions=PrefixCodes())


class TestRandom(TokenizerContract):
    max_epochs = 1

    def make(self):
        return RandomTokenizer((5, 4, 3))


class TestPlain(TokenizerContract):
    max_epochs = 1

    def make(self):
        return PlainTokenizer()


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
